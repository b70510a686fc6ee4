/** Loaded late: at the first connection whose requests are looked at. */
export { clientHello } from './client-hello.ts';
export { UpstreamTls, upstreamTrust } from './upstream.ts';
