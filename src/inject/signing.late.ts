/** Loaded late: at the first request that is signed. */
export { signRequest, unsigned } from './signing.ts';
