/** Loaded late: whom programs inside trust and whom the proxy trusts, where a plan has requests that are looked at. */
export { documentWith, makeTrust } from './trust.ts';
