/**
 * Datagrams in the `platform` tier: the warden reports what is sent, with the port by which it knows the sender, and
 * delivers what is answered.
 */
import { type Address, addressBytes, addressFromBytes } from '../base/address.ts';
import type { MakeInnerSocket, Receive } from '../egress/inner-socket.ts';
import type { Launcher } from '../launch/launcher.ts';
import type { Report } from '../launch/reports.ts';

type SentReport = Extract<Report, { kind: 'sent' }>;

/** Where the warden has the senders' sockets. */
const SENDERS = '127.0.0.1';

export class RelayedSockets {
  readonly #launcher: Pick<Launcher, 'deliver'>;
  readonly #receivers = new Map<string, Receive>();

  constructor(launcher: Pick<Launcher, 'deliver'>) {
    this.#launcher = launcher;
  }

  readonly make: MakeInnerSocket = async (address, port, receive) => {
    const key = keyOf(address, port);
    this.#receivers.set(key, receive);
    return {
      send: (message, to) => this.#launcher.deliver(to.port, addressBytes(address), port, message),
      close: () => void this.#receivers.delete(key),
    };
  };

  /** False: nobody takes datagrams for that address. */
  sent({ address, port, localPort, payload }: SentReport): boolean {
    const receive = this.#receivers.get(keyOf(addressFromBytes(address), port));
    receive?.(Buffer.from(payload), { address: SENDERS, port: localPort });
    return receive !== undefined;
  }
}

const keyOf = (address: Address, port: number): string => `${address.text} ${port}`;
