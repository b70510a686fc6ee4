/** Loaded late: at the first request for a WebSocket. */
export { WebSockets } from './front.ts';
