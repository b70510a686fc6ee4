/** Loaded late: the network side of a sandbox, at its first connection. */
export { Mediation } from './mediation.ts';
