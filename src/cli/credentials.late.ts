/** Loaded late: when `--credential` is given. */
export { readCredentials } from './credential-source.ts';
