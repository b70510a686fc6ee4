import type { Candidate } from './verdict.ts';

/**
 * Whether the connection is opened: one endpoint that judges requests is enough, and then those that judge none allow
 * no request (`decideRequest`).
 */
export const isInspected = (candidates: readonly Candidate[]): boolean =>
  candidates.some(({ endpoint }) => endpoint.inspection !== null);
