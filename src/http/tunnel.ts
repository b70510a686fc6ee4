/** Bytes both ways between two sockets, as fast as the slower side takes them. */
import type { Socket } from 'node:net';

/**
 * Relays until both directions have ended. The end of one direction is passed on and the other goes on; an error or an
 * early close of one side closes both. `tunnelIdleMs` of silence in both directions closes both; 0: never.
 */
export function relay(
  client: Socket,
  server: Socket,
  limits: { readonly tunnelIdleMs: number; readonly drainMs: number },
): void {
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.once('close', () => {
      if (!one.readableEnded || !one.writableFinished) other.destroy();
      // After a regular end, what is still in the other's buffer has to arrive; a peer that reads nothing cannot hold it.
      else setTimeout(() => other.destroy(), limits.drainMs).unref();
    });
    one.pipe(other);
  }
  if (limits.tunnelIdleMs > 0) client.setTimeout(limits.tunnelIdleMs, () => client.destroy());
}
