/** Loaded late: at the first connection whose requests are looked at. */
export { UpstreamTls, upstreamTrust } from '../tls/upstream.ts';
export { InspectedServer } from './server.ts';
