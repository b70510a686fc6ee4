/** One sender of datagrams and the endpoint that it was allowed: a socket of the host, connected to the checked address. */
import { createSocket, type Socket } from 'node:dgram';
import { DATAGRAM_LIMITS, type DatagramLimits } from './datagram-limits.ts';
import type { Target } from './destination.ts';

/** Where a datagram came from inside: where the answers go. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

export class DatagramFlow {
  readonly target: Target;
  readonly #answer: (message: Buffer, to: Source) => void;
  readonly #limits: DatagramLimits;
  #socket: Socket | null = null;
  #idle: NodeJS.Timeout | null = null;
  #source: Source | null = null;
  #queue: Buffer[] | null = null;
  #queued = 0;

  constructor(
    target: Target,
    answer: (message: Buffer, to: Source) => void,
    limits: DatagramLimits = DATAGRAM_LIMITS,
  ) {
    this.target = target;
    this.#answer = answer;
    this.#limits = limits;
  }

  send(message: Buffer, source: Source): void {
    this.#source = source;
    if (this.#socket === null) this.#open();
    this.#idle?.refresh();
    if (this.#queued + message.length > this.#limits.queuedBytes) return;
    this.#queued += message.length;
    if (this.#queue !== null) this.#queue.push(message);
    else this.#transmit(message);
  }

  close(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#socket?.close();
    this.#socket = null;
    this.#queue = null;
    this.#queued = 0;
  }

  #open(): void {
    const { address, port } = this.target;
    const socket = createSocket({
      type: address.family === 4 ? 'udp4' : 'udp6',
      // An address needs no lookup, and nothing else is ever looked up here.
      lookup: (_name, _options, done) => done(null, address.text, address.family),
    });
    this.#socket = socket;
    this.#queue = [];
    socket.on('error', () => {
      if (this.#socket === socket) this.close(); // nobody there: the sender's next datagram tries again
    });
    socket.on('message', (message) => {
      this.#idle?.refresh();
      if (this.#source !== null) this.#answer(message, this.#source);
    });
    socket.connect(port, address.text, () => {
      if (this.#socket !== socket) return;
      for (const message of this.#queue ?? []) this.#transmit(message);
      this.#queue = null;
    });
    this.#idle = setTimeout(() => this.close(), this.#limits.idleMs);
    this.#idle.unref();
  }

  #transmit(message: Buffer): void {
    const socket = this.#socket;
    socket?.send(message, () => {
      if (this.#socket === socket) this.#queued -= message.length;
    });
  }
}
