/** The second bundle: what `session` loads late, and every command but `run`. */
export * from '../session/cold.ts';
export { parseConnectTo } from '../egress/connect-to.ts';
export { parseAllow } from './allow.ts';
