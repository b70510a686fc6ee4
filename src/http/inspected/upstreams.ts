/** Connections to the servers behind endpoints whose requests are looked at: checked, dialled and verified, then kept for a while. */
import type { Socket } from 'node:net';
import { Pool } from 'undici';
import type { Candidates, DestinationProblem } from '../../egress/destination.ts';
import type { Dialer } from '../../egress/dial.ts';
import { UPSTREAM_LIMITS, type UpstreamLimits } from '../limits.ts';
import { type Authority, authorityText } from '../request-target.ts';
import type { UpstreamTls } from '../tls/upstream.ts';
import type { Upstream } from './exchange.ts';
import { Http2Upstream } from './http2/upstream.ts';

/** Why there is no connection: the error that a request ends with. */
export class UpstreamProblem extends Error {
  /** Of its addresses; null: it was reached, and failed. */
  readonly destination: DestinationProblem | null;

  constructor(message: string, destination: DestinationProblem | null = null) {
    super(message);
    this.destination = destination;
  }
}

/** The server does not speak HTTP/1.1. */
export class OnlyHttp2 extends UpstreamProblem {}

export interface UpstreamKey extends Authority {
  /** Speak TLS with it. */
  readonly secure: boolean;
  /** What its addresses are checked against. */
  readonly candidates: Candidates;
  /** The request is for HTTP/2 only, as gRPC is. */
  readonly http2: boolean;
}

type Kept = Pool | Http2Upstream;

export class Upstreams {
  readonly #dialer: Dialer;
  readonly #tls: UpstreamTls;
  readonly #limits: UpstreamLimits;
  readonly #headerBytes: number;
  /** In the order of use, the longest unused first. */
  readonly #pools = new Map<string, Kept>();
  /** Servers that were found to speak nothing else, as long as they are kept. */
  readonly #http2 = new WeakMap<Kept, Http2Upstream>();
  /** The key that was used last. */
  #newest = '';

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
  to(key: UpstreamKey): Upstream {
    const text = textOf(key);
    let pool = this.#pools.get(text);
    if (pool !== undefined && text === this.#newest) return this.#http2.get(pool) ?? pool;
    if (pool !== undefined) this.#pools.delete(text);
    this.#newest = text;
    pool ??= key.http2 ? this.#makeHttp2(key) : this.#make(key);
    this.#pools.set(text, pool);
    if (this.#pools.size > this.#limits.upstreams) {
      const [oldest, unused] = this.#pools.entries().next().value!;
      this.#pools.delete(oldest);
      void unused.close();
    }
    return this.#http2.get(pool) ?? pool;
  }

  /** A connection of its own, which is not kept: for what takes it over. Rejects with an `UpstreamProblem`. */
  connect(key: Omit<UpstreamKey, 'http2'>): Promise<Socket> {
    return this.#connect({ ...key, http2: false }, ['http/1.1']);
  }

  /** The rules are others: nothing that was checked by the old ones is used for a new request. */
  renew(): void {
    for (const pool of this.#pools.values()) void pool.close();
    this.#pools.clear();
  }

  /** Instead of one that has failed with `OnlyHttp2`. */
  overHttp2(key: UpstreamKey): Upstream {
    const upstream = this.to({ ...key, http2: true });
    const pool = this.#pools.get(textOf(key));
    if (pool !== undefined && upstream instanceof Http2Upstream) this.#http2.set(pool, upstream);
    return upstream;
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
        void this.#connect(key, ['http/1.1']).then(
          (socket) => {
            done(null, socket);
            closeUnused(socket, limits.upstreamIdleMs);
          },
          (error: unknown) => done(error as Error, null),
        );
      },
    });
  }

  #makeHttp2(key: UpstreamKey): Http2Upstream {
    return new Http2Upstream(authorityText(key, 443), () => this.#connect(key, ['h2']));
  }

  async #connect(
    { host, port, secure, candidates }: UpstreamKey,
    protocols: readonly string[],
  ): Promise<Socket> {
    const dialled = await this.#dialer.dial(host, port, candidates);
    if (!dialled.ok) throw new UpstreamProblem(dialled.error.detail, dialled.error);
    const { socket, target } = dialled.value;
    if (!secure) return socket;
    const address = target.address.text;
    const to = { host: host.text, address, port: target.port };
    const connected = await this.#tls.connect({ ...to, socket, protocols });
    if (!connected.ok) {
      const Problem =
        NO_SUCH_PROTOCOL.test(connected.error) && protocols[0] !== 'h2' ? OnlyHttp2 : UpstreamProblem;
      throw new Problem(`no TLS with ${host.text}:${port}: ${connected.error}`);
    }
    if (protocols[0] === 'h2' && connected.value.alpnProtocol !== 'h2') {
      connected.value.destroy();
      throw new UpstreamProblem(`${host.text}:${port} does not speak HTTP/2`);
    }
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

/** The alert `no_application_protocol` (RFC 7301), as OpenSSL tells of it. */
const NO_SUCH_PROTOCOL = /NO_APPLICATION_PROTOCOL/;

/** Keys of policies may hold any character. */
const textOf = ({ host, port, secure, candidates, http2 }: UpstreamKey): string =>
  `${secure ? (http2 ? 'h2' : 'tls') : 'plain'} ${host.text} ${port} ${rulesOf(candidates)}`;

/** The requests of one connection have the same candidates, so that this is not put together for each. */
const ruleTexts = new WeakMap<Candidates, string>();

function rulesOf(candidates: Candidates): string {
  let text = ruleTexts.get(candidates);
  if (text === undefined) {
    text = JSON.stringify(candidates.map(({ rule }) => [rule.policy, rule.index]));
    ruleTexts.set(candidates, text);
  }
  return text;
}
