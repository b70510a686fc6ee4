/** Sockets inside that are asked of the launcher while the program runs, and come by their numbers. */

import { addressBytes } from '../base/address.ts';
import { DATAGRAM_LIMITS } from '../egress/datagram-limits.ts';
import { type MakeInnerSocket, serveInside } from '../egress/inner-socket.ts';
import type { Launcher } from '../launch/launcher.ts';

export class InnerSockets {
  readonly #launcher: Pick<Launcher, 'datagrams'>;
  readonly #waiting = new Map<number, (handle: unknown) => void>();
  #next = 1;

  constructor(launcher: Pick<Launcher, 'datagrams'>) {
    this.#launcher = launcher;
  }

  readonly make: MakeInnerSocket = async (address, port, receive) => {
    const number = this.#next;
    this.#next += 1;
    const handle = await new Promise<unknown>((resolve) => {
      const timer = setTimeout(() => done(null), DATAGRAM_LIMITS.launcherMs);
      const done = (handle: unknown): void => {
        clearTimeout(timer);
        this.#waiting.delete(number);
        resolve(handle);
      };
      this.#waiting.set(number, done);
      this.#launcher.datagrams(number, addressBytes(address), port);
    });
    return handle === null ? null : serveInside(handle, address, receive);
  };

  take(number: number, handle: unknown): void {
    this.#waiting.get(number)?.(handle);
  }

  close(): void {
    for (const done of this.#waiting.values()) done(null);
  }
}
