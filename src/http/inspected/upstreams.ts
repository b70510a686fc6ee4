/** Connections to the servers behind endpoints whose requests are looked at: checked, dialled and verified, then kept for a while. */
import type { Socket } from 'node:net';
import { type Dispatcher, Pool } from 'undici';
import type { Candidates, DestinationProblem } from '../../egress/destination.ts';
import type { Dialer } from '../../egress/dial.ts';
import { UPSTREAM_LIMITS, type UpstreamLimits } from '../limits.ts';
import type { Authority } from '../request-target.ts';
import type { UpstreamTls } from '../tls/upstream.ts';

/** Why there is no connection: the error that a request ends with. */
export class UpstreamProblem extends Error {
  /** Of its addresses; null: it was reached, and failed. */
  readonly destination: DestinationProblem | null;

  constructor(message: string, destination: DestinationProblem | null = null) {
    super(message);
    this.destination = destination;
  }
}

export interface UpstreamKey extends Authority {
  /** Speak TLS with it. */
  readonly secure: boolean;
  /** What its addresses are checked against. */
  readonly candidates: Candidates;
}

export class Upstreams {
  readonly #dialer: Dialer;
  readonly #tls: UpstreamTls;
  readonly #limits: UpstreamLimits;
  readonly #headerBytes: number;
  /** In the order of use, the longest unused first. */
  readonly #pools = new Map<string, Pool>();

  constructor(
    dialer: Dialer,
    tls: UpstreamTls,
    headerBytes: number,
    limits: UpstreamLimits = UPSTREAM_LIMITS,
  ) {
    this.#dialer = dialer;
    this.#tls = tls;
    this.#headerBytes = headerBytes;
    this.#limits = limits;
  }

  /** Whatever is sent by it goes to that host, at an address that these endpoints allow it to have. */
  to(key: UpstreamKey): Dispatcher {
    const text = textOf(key);
    let pool = this.#pools.get(text);
    if (pool !== undefined) this.#pools.delete(text);
    pool ??= this.#make(key);
    this.#pools.set(text, pool);
    if (this.#pools.size > this.#limits.upstreams) {
      const [oldest, unused] = this.#pools.entries().next().value!;
      this.#pools.delete(oldest);
      void unused.close();
    }
    return pool;
  }

  /** The rules are others: nothing that was checked by the old ones is used for a new request. */
  renew(): void {
    for (const pool of this.#pools.values()) void pool.close();
    this.#pools.clear();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
    this.#pools.clear();
  }

  #make(key: UpstreamKey): Pool {
    const limits = this.#limits;
    return new Pool('http://upstream.invalid', {
      connections: limits.upstreamConnections,
      pipelining: 1,
      keepAliveTimeout: limits.upstreamIdleMs,
      keepAliveMaxTimeout: limits.upstreamIdleMs,
      // Agents wait long for answers; the client decides for how long.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: this.#headerBytes,
      connect: (_options, done) => {
        void this.#connect(key).then(
          (socket) => {
            done(null, socket);
            closeUnused(socket, limits.upstreamIdleMs);
          },
          (error: unknown) => done(error as Error, null),
        );
      },
    });
  }

  async #connect({ host, port, secure, candidates }: UpstreamKey): Promise<Socket> {
    const dialled = await this.#dialer.dial(host, port, candidates);
    if (!dialled.ok) throw new UpstreamProblem(dialled.error.detail, dialled.error);
    const { socket, target } = dialled.value;
    if (!secure) return socket;
    const address = target.address.text;
    const connected = await this.#tls.connect({ host: host.text, address, port: target.port, socket });
    if (!connected.ok) throw new UpstreamProblem(`no TLS with ${host.text}:${port}: ${connected.error}`);
    return connected.value;
  }
}

/** A request whose client leaves early may leave a connection behind that nothing is sent by. undici would keep it. */
function closeUnused(socket: Socket, ms: number): void {
  const timer = setTimeout(() => {
    if (socket.bytesWritten === 0) socket.destroy();
  }, ms).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Keys of policies may hold any character. */
const textOf = ({ host, port, secure, candidates }: UpstreamKey): string =>
  JSON.stringify([secure, host.text, port, ...candidates.flatMap(({ rule }) => [rule.policy, rule.index])]);
