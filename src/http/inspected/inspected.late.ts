/** Loaded late: at the first connection whose requests are looked at. */
export { makeInjector } from '../../inject/make-injector.ts';
export { UpstreamTls, upstreamTrust } from '../tls/upstream.ts';
export { InspectedServer } from './server.ts';
