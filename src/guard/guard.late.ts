/** Loaded late: guardrails, when an operator names some. */
export { openGuards } from './open-guard.ts';
