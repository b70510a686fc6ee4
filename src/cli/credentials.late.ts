/** Loaded late: when `--credential` is given. */
export { takeCredentials } from './credentials.ts';
