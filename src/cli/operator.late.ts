/** Loaded late: options that name hosts. */
export { parseAllow } from '../compile/allow.ts';
export { parseConnectTo } from '../egress/connect-to.ts';
export { readCertificates } from './certificates.ts';
