/** Loaded late: the network side of a sandbox, at its first connection or look-up. */
export { type Ended, Mediation } from './mediation.ts';
