/**
 * The explicit proxy of one sandbox. Node's HTTP parser reads; every request is judged by itself; bytes are relayed.
 * It imports node:http, which a run without a proxy never loads: import it lazily.
 */
import { type Server as HttpServer, request } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { err } from '../base/result.ts';
import type { Dialer } from '../egress/dial.ts';
import type { Draft } from '../event/event.ts';
import type { Guard } from '../guard/guard.ts';
import type { EgressIndex } from '../match/egress-index.ts';
import type { Destination } from '../match/verdict.ts';
import type { Inspection, LocalService, ProxyContext } from './authorise.ts';
import { handleConnect, handleDirect } from './connect.ts';
import { Connections, type IdentityAnswer, type OpenExchange, ProxyConnection } from './connections.ts';
import { handleForward } from './forward.ts';
import { createFront, guarded } from './front.ts';
import { PROXY_LIMITS, type ProxyLimits } from './limits.ts';
import { endSilence, refuseSurplus } from './undecided.ts';
import { handleUpgrade } from './upgrade.ts';

/** The other end of an accepted connection, as Node writes it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** Whose connection it is. */
export interface Caller {
  readonly identity: IdentityAnswer;
  /** Where it meant to go past the proxy; null: to the proxy. */
  readonly intended: Destination | null;
}

export interface ProxyOptions {
  readonly index: EgressIndex;
  /** Who connected from this address; asked once for each connection, when it is accepted. Null: nobody knows. */
  readonly callerOf: (peer: Peer) => Promise<Caller | null>;
  readonly dialer: Dialer;
  /** Asked about what the rules allow. */
  readonly guard?: Pick<Guard, 'evaluate'> | null;
  readonly emit: (draft: Draft) => void;
  /** Answers requests that are for the proxy itself. */
  readonly local?: LocalService | null;
  /** What looks at requests, made at its first use; absent: no endpoint of the plan asks for it. */
  readonly inspect?: ((context: ProxyContext) => Promise<Inspection>) | null;
  readonly limits?: Partial<ProxyLimits>;
  /** Told of errors that should not happen; the connection concerned is closed. Without it Node prints a warning. */
  readonly onDefect?: (error: unknown) => void;
}

export interface EgressProxy {
  /** Takes the connections of a listening server; it may listen in another network namespace. */
  attach(server: NetServer): void;
  /** Judges by these rules from now on. Open connections stay: see `closeConnections`. */
  useIndex(index: EgressIndex): void;
  /** Closes the tunnels and exchanges that the predicate is true of, and says how many. */
  closeConnections(predicate: (open: OpenExchange) => boolean): number;
  /** Stops the attached servers and closes everything. */
  close(): Promise<void>;
}

export function createProxy(options: ProxyOptions): EgressProxy {
  const limits = { ...PROXY_LIMITS, ...options.limits };
  let { index } = options;
  const { dialer, guard = null, emit, onDefect = warn, inspect = null, local = null } = options;
  let inspection: Promise<Inspection> | null = null;
  const context: ProxyContext = {
    index: () => index,
    dialer,
    guard,
    emit,
    limits,
    local,
    request,
    onDefect,
    inspection: inspect === null ? null : () => (inspection ??= inspect(context)),
  };
  const connections = new Connections(
    limits,
    (connection, what) => void guarded(context, connection, endSilence(context, connection, what)),
  );
  const server = createFront(context, connections, {
    onRequest: handleForward,
    onConnect: handleConnect,
    onUpgrade: handleUpgrade,
  });
  const attached = new Set<NetServer>();

  const accept = (socket: Socket): void => {
    // Each direction of a tunnel ends by itself. Outside of tunnels, a client that closes its direction has left.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    const { remoteAddress: address, remotePort: port } = socket;
    if (address === undefined || port === undefined) return void socket.destroy();
    // At once: when the caller has left, its address can be another's.
    const caller = identify(options, { address, port });
    const identity = caller.then((known) => known.identity);
    const connection = new ProxyConnection(socket, identity);
    const place = connections.add(connection);
    if (place === 'accepted' && inspect === null) server.emit('connection', socket);
    else if (place === 'accepted')
      void guarded(context, connection, take(context, server, connection, caller));
    else void guarded(context, connection, refuseSurplus(context, connection, place === 'surplus'));
  };

  return {
    attach(listener) {
      attached.add(listener);
      listener.on('connection', accept);
    },
    useIndex(next) {
      void inspection?.then((made) => made.renew());
      index = next;
    },
    closeConnections(predicate) {
      const chosen = [...connections].filter(({ exchange }) => exchange !== null && predicate(exchange));
      for (const { socket } of chosen) socket.destroy();
      return chosen.length;
    },
    async close() {
      const stopped = [...attached].map((listener) => {
        listener.off('connection', accept);
        return new Promise<void>((resolve) => listener.close(() => resolve()));
      });
      await connections.closeAll();
      await (await inspection)?.close();
      await Promise.all(stopped);
    },
  };
}

const warn = (error: unknown): void =>
  process.emitWarning(error instanceof Error ? error : new Error(`unexpected: ${String(error)}`));

/** Requests for a proxy, or those of a program that knows of none. */
async function take(
  context: ProxyContext,
  server: HttpServer,
  connection: ProxyConnection,
  caller: Promise<Caller>,
): Promise<void> {
  const { intended } = await caller;
  if (connection.socket.destroyed) return;
  if (intended === null) server.emit('connection', connection.socket);
  else await handleDirect(context, connection, intended);
}

async function identify(options: ProxyOptions, peer: Peer): Promise<Caller> {
  const unknown = (detail: string): Caller => ({
    identity: err({ reason: 'identity_unavailable', detail, process: null }),
    intended: null,
  });
  try {
    return (
      (await options.callerOf(peer)) ?? unknown('no process is known that connected to the proxy from there')
    );
  } catch {
    return unknown('finding out which program connects failed');
  }
}
