/** The client connections of one proxy: how many, what each is doing, and which have been silent for too long. */
import type { Socket } from 'node:net';
import type { Result } from '../base/result.ts';
import type { Soon } from '../base/soon.ts';
import type { IdentityProblem } from '../egress/identity.ts';
import type { Standing } from '../egress/standing.ts';
import type { RuleReference } from '../event/event.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import type { ProxyLimits } from './limits.ts';
import type { Authority } from './request-target.ts';

export type IdentityAnswer = Result<BinaryIdentity, IdentityProblem>;

/** How a request came: behind CONNECT, in absolute form, or past the proxy. */
export type Via = 'connect' | 'forward' | 'direct';

/** What a connection carries after a rule allowed it, for as long as it carries it. */
export interface OpenExchange {
  /** The caller's port at the proxy. */
  readonly clientPort: number;
  readonly via: Via;
  readonly host: string;
  readonly port: number;
  readonly address: string;
  readonly rule: RuleReference;
  readonly identity: BinaryIdentity;
  /** What a later policy is asked about. */
  readonly standing: Standing;
}

export interface UnreadableBytes {
  readonly kind: 'malformed_request' | 'request_too_large' | 'unsupported_protocol';
  readonly reason: string;
}

export class ProxyConnection {
  readonly socket: Socket;
  readonly clientPort: number;
  /** Requests in absolute form are what a proxy is sent; others come on connections to one host and port. */
  readonly via: Via;
  /** Where all requests on it go; null: each says so itself. */
  readonly authority: Authority | null;
  /** Requests that were read and are not answered yet. */
  pending = 0;
  /** The answer that is being sent closes the connection. */
  last = false;
  /** Why what follows on it cannot be read, once that is so; the body of the last request may be cut short by it. */
  unreadable: UnreadableBytes | null = null;
  /** Breaks off an exchange whose request body is cut short. */
  onUnreadable: (() => void) | null = null;
  /** Handed over: to a tunnel, or to a closing answer. Node's server has nothing more to say on it. */
  detached = false;
  exchange: OpenExchange | null = null;
  /** The end of the line of requests on this connection: each waits for the one before. */
  turn: Promise<void> = Promise.resolve();
  /** Requests that stand in that line. */
  turns = 0;
  /** Since when it waits for a header section, and how many bytes had come by then; null: it does not wait. */
  waiting: { readonly since: number; readonly bytes: number; firstByte: number | null } | null = null;

  #identity: Soon<IdentityAnswer>;
  #closed: AbortSignal | null = null;

  constructor(
    socket: Socket,
    identity: Soon<IdentityAnswer>,
    via: Via = 'forward',
    authority: Authority | null = null,
  ) {
    this.socket = socket;
    this.clientPort = socket.remotePort ?? 0;
    this.#identity = identity;
    this.via = via;
    this.authority = authority;
  }

  /** Who is at the other end. Found out once: only the first request waits for it. */
  identity(): Soon<IdentityAnswer> {
    const identity = this.#identity;
    if (!(identity instanceof Promise)) return identity;
    return identity.then((known) => {
      this.#identity = known;
      return known;
    });
  }

  /** Aborted when the client's socket closes. Made when it is asked for: most connections need none. */
  get closed(): AbortSignal {
    this.#closed ??= abortedAtClose(this.socket);
    return this.#closed;
  }

  wait(now: number): void {
    this.waiting = { since: now, bytes: this.socket.bytesRead, firstByte: null };
  }
}

/** A reason of its own costs much less than the error, with its stack, that is made where none is given. */
const CLOSED = 'the client closed the connection';

function abortedAtClose(socket: Socket): AbortSignal {
  const controller = new AbortController();
  if (socket.destroyed) controller.abort(CLOSED);
  else socket.once('close', () => controller.abort(CLOSED));
  return controller.signal;
}

/** Takes a connection out of the hands of Node's server: for a tunnel, or for an answer that closes it. */
export function detach(connection: ProxyConnection): void {
  connection.detached = true;
  connection.waiting = null;
  connection.socket.setTimeout(0);
}

export type Silence = 'idle' | 'slow_header';

export class Connections {
  readonly #limits: ProxyLimits;
  readonly #onSilence: (connection: ProxyConnection, what: Silence) => void;
  readonly #open = new Map<Socket, ProxyConnection>();
  readonly #surplus = new Set<Socket>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(limits: ProxyLimits, onSilence: (connection: ProxyConnection, what: Silence) => void) {
    this.#limits = limits;
    this.#onSilence = onSilence;
  }

  /** `surplus`: over the limit, but an answer may be given. `refused`: not even that. */
  add(connection: ProxyConnection): 'accepted' | 'surplus' | 'refused' {
    const { socket } = connection;
    if (this.#open.size >= this.#limits.connections) {
      if (this.#surplus.size >= this.#limits.surplusConnections) return 'refused';
      this.#surplus.add(socket);
      socket.once('close', () => this.#surplus.delete(socket));
      return 'surplus';
    }
    this.#open.set(socket, connection);
    socket.once('close', () => this.#remove(socket));
    connection.wait(Date.now());
    this.#sweeper ??= setInterval(() => this.#sweep(), this.#sweepMs()).unref();
    return 'accepted';
  }

  of(socket: Socket): ProxyConnection | undefined {
    return this.#open.get(socket);
  }

  [Symbol.iterator](): IterableIterator<ProxyConnection> {
    return this.#open.values();
  }

  /** Closes everything and waits until it is closed. */
  async closeAll(): Promise<void> {
    const sockets = [...this.#open.keys(), ...this.#surplus];
    await Promise.all(
      sockets.map((socket) => {
        const closed = new Promise((resolve) => socket.once('close', resolve));
        socket.destroy();
        return closed;
      }),
    );
  }

  #remove(socket: Socket): void {
    this.#open.delete(socket);
    if (this.#open.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #sweepMs(): number {
    return Math.max(10, Math.min(1000, this.#limits.headerMs / 4, this.#limits.keepAliveMs / 4));
  }

  #sweep(): void {
    const now = Date.now();
    for (const connection of this.#open.values()) {
      const { waiting, socket } = connection;
      if (waiting === null || connection.detached) continue;
      if (socket.bytesRead === waiting.bytes) {
        if (now - waiting.since > this.#limits.keepAliveMs) this.#onSilence(connection, 'idle');
      } else {
        waiting.firstByte ??= now;
        if (now - waiting.firstByte > this.#limits.headerMs) this.#onSilence(connection, 'slow_header');
      }
    }
  }
}
