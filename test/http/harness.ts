/** A proxy between real sockets: a client that sends bytes, and origins that write down what reaches them. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { ok } from '../../src/base/result.ts';
import { ConnectToTable } from '../../src/egress/connect-to.ts';
import { Destinations } from '../../src/egress/destination.ts';
import { createDialer, type StartConnection } from '../../src/egress/dial.ts';
import { EGRESS_LIMITS, type EgressLimits } from '../../src/egress/limits.ts';
import type { NameResolver } from '../../src/egress/names.ts';
import type { Draft } from '../../src/event/event.ts';
import type { Refusal } from '../../src/event/refusal.ts';
import type { Guard } from '../../src/guard/guard.ts';
import type { IdentityAnswer } from '../../src/http/connections.ts';
import { InspectedServer } from '../../src/http/inspected/server.ts';
import { type ProxyLimits, UPSTREAM_LIMITS, type UpstreamLimits } from '../../src/http/limits.ts';
import { createProxy, type EgressProxy, type ProxyOptions } from '../../src/http/proxy.ts';
import { SandboxAuthority } from '../../src/http/tls/authority.ts';
import { UpstreamTls, upstreamTrust } from '../../src/http/tls/upstream.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import type { Destination } from '../../src/match/verdict.ts';
import type { EgressTable } from '../../src/plan/plan.ts';
import { endpoint, host, identity, policy, table } from '../match/tables.ts';

type Cleanup = () => unknown;
const cleanups: Cleanup[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function onCleanup(cleanup: Cleanup): void {
  cleanups.push(cleanup);
}

export async function listen(
  onConnection: (socket: Socket) => void,
  allowHalfOpen = true,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { server, port: (server.address() as AddressInfo).port };
}

export interface Origin {
  readonly port: number;
  /** What arrived, one string for each connection. */
  readonly log: string[];
  /** Connections that are open now. */
  readonly open: Set<Socket>;
}

export type Behaviour = (socket: Socket, soFar: string) => void;

/** An origin that calls `behave` whenever bytes have arrived. */
export async function origin(behave: Behaviour = answerOnce('hello')): Promise<Origin> {
  const log: string[] = [];
  const open = new Set<Socket>();
  const { port } = await listen((socket) => {
    const at = log.push('') - 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('data', (bytes) => {
      log[at] += bytes.toString('latin1');
      behave(socket, log[at]!);
    });
    socket.on('end', () => socket.end());
  });
  return { port, log, open };
}

/** Answers 200 when a header section, and the body that it announces, is complete. */
export function answerOnce(body: string, headers = ''): Behaviour {
  return (socket, soFar) => {
    const end = soFar.indexOf('\r\n\r\n');
    if (end < 0) return;
    const rest = soFar.slice(end + 4);
    const length = /^content-length: (\d+)/im.exec(soFar.slice(0, end));
    const chunked = /^transfer-encoding: chunked/im.test(soFar.slice(0, end));
    if (chunked ? !/0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(rest) : rest.length < Number(length?.[1] ?? 0)) return;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`);
  };
}

export interface Bench {
  readonly proxy: EgressProxy;
  readonly port: number;
  readonly events: Draft[];
  /** `host:port` of each dial that was made, in order. */
  readonly dials: string[];
  /** Ports that identityOf was asked about. */
  readonly asked: number[];
  /** PEM that clients whose TLS is ended trust; empty without `inspect`. */
  readonly ca: string;
}

export interface BenchOptions {
  readonly rules?: EgressTable;
  /** `host:port` to a port on 127.0.0.1, as --connect-to would. */
  readonly to?: Readonly<Record<string, number>>;
  readonly limits?: Partial<ProxyLimits>;
  readonly egress?: Partial<EgressLimits>;
  /** Begins connections to servers. */
  readonly start?: StartConnection;
  readonly resolver?: NameResolver;
  readonly identityOf?: (port: number) => Promise<IdentityAnswer | null>;
  readonly onDefect?: (error: unknown) => void;
  readonly emit?: (draft: Draft) => void;
  /** Requests are looked at where `rules` say so: PEM of the authorities that servers are trusted by. */
  readonly inspect?: readonly string[];
  readonly upstreamLimits?: Partial<UpstreamLimits>;
  /** Connections are meant for this host and port, past the proxy. */
  readonly intended?: Destination;
  readonly guard?: Pick<Guard, 'evaluate'>;
  /** In the place of what looks at requests. */
  readonly inspection?: ProxyOptions['inspect'];
}

/** Allows a.test:80, a.test:443 and *.w.test:80 to everybody. */
export const RULES = table([policy('site', [endpoint('a.test:80,443'), endpoint('*.w.test:80')])]);

export async function bench(options: BenchOptions = {}): Promise<Bench> {
  const events: Draft[] = [];
  const dials: string[] = [];
  const asked: number[] = [];
  const entries = Object.entries(options.to ?? {}).map(([from, addressPort]) => {
    const colon = from.lastIndexOf(':');
    const address = parseAddress('127.0.0.1')!;
    return { host: host(from.slice(0, colon)), port: Number(from.slice(colon + 1)), address, addressPort };
  });
  const resolver = options.resolver ?? { lookup: async () => ok(['203.0.113.1']) };
  const destinations = new Destinations({ resolver, connectTo: new ConnectToTable(entries) });
  const dialer = createDialer(destinations, { ...EGRESS_LIMITS, ...options.egress }, options.start);
  const authority = options.inspect === undefined ? null : new SandboxAuthority();
  const proxy = createProxy({
    inspect:
      authority === null
        ? (options.inspection ?? null)
        : async (context) => {
            const upstreamTls = new UpstreamTls(upstreamTrust(options.inspect!));
            const upstreamLimits = { ...UPSTREAM_LIMITS, ...options.upstreamLimits };
            return new InspectedServer({
              injector: null,
              inference: null,
              context,
              authority,
              upstreamTls,
              upstreamLimits,
            });
          },
    index: buildIndex(options.rules ?? RULES),
    callerOf: async ({ port }) => {
      asked.push(port);
      const known =
        options.identityOf === undefined
          ? ok(identity('/usr/bin/curl', ['/bin/sh']))
          : await options.identityOf(port);
      return known === null ? null : { identity: known, intended: options.intended ?? null };
    },
    dialer: {
      check: dialer.check,
      dial: (to, port, candidates, signal) => {
        dials.push(`${to.text}:${port}`);
        return dialer.dial(to, port, candidates, signal);
      },
      recheck: dialer.recheck,
    },
    guard: options.guard ?? null,
    emit: (draft) => {
      events.push(draft);
      options.emit?.(draft);
    },
    limits: { lingerMs: 200, ...options.limits },
    onDefect: options.onDefect ?? ((error) => defects.push(error)),
  });
  // As a server that was received from another process is: without options.
  const { server, port } = await listen(() => undefined, false);
  proxy.attach(server);
  onCleanup(() => proxy.close());
  return { proxy, port, events, dials, asked, ca: authority?.caPem ?? '' };
}

const defects: unknown[] = [];
afterEach(() => expect(defects.splice(0)).toEqual([]));

/** A client connection that keeps what it has received. */
export class Client {
  readonly socket: Socket;
  received = '';
  closed = false;
  ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(over: number | Socket) {
    this.socket =
      typeof over === 'number' ? connect({ port: over, host: '127.0.0.1', allowHalfOpen: true }) : over;
    this.socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('end', () => {
      this.ended = true;
      this.socket.end();
      this.#wake();
    });
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
    onCleanup(() => this.socket.destroy());
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves when what has come so far fulfils the condition, or the connection is closed. */
  async until(condition: string | ((received: string) => boolean)): Promise<string> {
    const holds = typeof condition === 'string' ? (text: string) => text.includes(condition) : condition;
    while (!holds(this.received) && !this.closed) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
    return this.received;
  }

  /** Everything, up to the close. */
  end(): Promise<string> {
    return this.until(() => false);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Sends bytes and gives back everything until the proxy closes. */
export const talk = (port: number, text: string): Promise<string> => new Client(port).send(text).end();

export function refusalIn(answer: string): Refusal & { readonly status: number; readonly head: string } {
  const [head, body] = [
    answer.slice(0, answer.indexOf('\r\n\r\n')),
    answer.slice(answer.indexOf('\r\n\r\n') + 4),
  ];
  return { ...(JSON.parse(body) as Refusal), status: Number(head.split(' ')[1]), head };
}

export async function eventually(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}
