/**
 * The explicit proxy of one sandbox. Node's HTTP parser reads; every request is judged by itself; bytes are relayed.
 * The only module that imports node:http, so that a run without a proxy never loads it: import it lazily.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { err } from '../base/result.ts';
import type { Dialer } from '../egress/dial.ts';
import type { Draft } from '../event/event.ts';
import type { Guard } from '../guard/guard.ts';
import type { EgressIndex } from '../match/egress-index.ts';
import type { ProxyContext } from './authorise.ts';
import { handleConnect } from './connect.ts';
import {
  Connections,
  detach,
  type IdentityAnswer,
  type OpenExchange,
  ProxyConnection,
} from './connections.ts';
import { handleForward } from './forward.ts';
import { PROXY_LIMITS, type ProxyLimits } from './limits.ts';
import {
  endSilence,
  refusePipelined,
  refusePipelinedRequest,
  refuseSurplus,
  refuseUnreadable,
} from './undecided.ts';
import { handleUpgrade } from './upgrade.ts';

/** The other end of an accepted connection, as Node writes it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

export interface ProxyOptions {
  readonly index: EgressIndex;
  /** Who connected from this address; asked once for each connection, when it is accepted. Null: nobody knows. */
  readonly identityOf: (peer: Peer) => Promise<IdentityAnswer | null>;
  readonly dialer: Dialer;
  /** Asked about what the rules allow. */
  readonly guard?: Pick<Guard, 'evaluate'> | null;
  readonly emit: (draft: Draft) => void;
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
  const { dialer, guard = null, emit, onDefect = warn } = options;
  const context: ProxyContext = { index: () => index, dialer, guard, emit, limits, request, onDefect };
  const connections = new Connections(
    limits,
    (connection, what) => void guarded(context, connection, endSilence(context, connection, what)),
  );
  const server = httpServer(context, connections);
  const attached = new Set<NetServer>();

  const accept = (socket: Socket): void => {
    // Each direction of a tunnel ends by itself. Outside of tunnels, a client that closes its direction has left.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    const { remoteAddress: address, remotePort: port } = socket;
    if (address === undefined || port === undefined) return void socket.destroy();
    // At once: when the caller has left, its address can be another's.
    const identity = identify(options, { address, port });
    const connection = new ProxyConnection(socket, () => identity);
    const place = connections.add(connection);
    if (place === 'accepted') server.emit('connection', socket);
    else void guarded(context, connection, refuseSurplus(context, connection, place === 'surplus'));
  };

  return {
    attach(listener) {
      attached.add(listener);
      listener.on('connection', accept);
    },
    useIndex(next) {
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
      await Promise.all(stopped);
    },
  };
}

function httpServer(context: ProxyContext, connections: Connections): Server {
  const { limits } = context;
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    keepAliveTimeout: limits.keepAliveMs,
    insecureHTTPParser: false,
    // We say ourselves what is wrong with a Host header, and ask for none with CONNECT.
    requireHostHeader: false,
  });
  // Node would drop further header lines in silence; `checkRequest` counts them.
  server.maxHeadersCount = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.of(request.socket);
    if (connection === undefined) return void request.socket.destroy();
    takeTurn(context, connection, request, response);
  };
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('checkExpectation', onRequest);
  for (const [event, handle] of [
    ['connect', handleConnect],
    ['upgrade', handleUpgrade],
  ] as const)
    server.on(event, (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const connection = connections.of(socket);
      if (connection === undefined) return void socket.destroy();
      detach(connection);
      const work =
        connection.pending > 0
          ? refusePipelined(context, connection)
          : handle(context, connection, request, head);
      void guarded(context, connection, work);
    });
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket) => {
    const connection = connections.of(socket);
    if (connection === undefined || connection.detached) return;
    void guarded(context, connection, refuseUnreadable(context, connection, error));
  });
  return server;
}

/** Requests on one connection are answered in their order, each judged when its turn has come. */
function takeTurn(
  context: ProxyContext,
  connection: ProxyConnection,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  connection.pending += 1;
  connection.waiting = null;
  const surplus = connection.pending > context.limits.pipelined;
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  void closed.then(() => {
    connection.pending -= 1;
    if (connection.pending === 0 && !connection.detached) connection.wait(Date.now());
  });
  connection.turn = connection.turn.then(async () => {
    if (connection.last || response.destroyed || connection.socket.destroyed) return;
    await guarded(
      context,
      connection,
      surplus
        ? refusePipelinedRequest(context, connection, request, response)
        : handleForward(context, connection, request, response),
    );
    // Whatever follows an answer that closes the connection is not acted upon.
    if (!response.shouldKeepAlive) connection.last = true;
    await closed;
  });
}

/** A defect of ours must not keep a connection open, since nobody knows what was decided on it, nor stop the others. */
async function guarded(
  context: ProxyContext,
  connection: ProxyConnection,
  work: Promise<void>,
): Promise<void> {
  try {
    await work;
  } catch (error) {
    connection.socket.destroy();
    context.onDefect(error);
  }
}

const warn = (error: unknown): void =>
  process.emitWarning(error instanceof Error ? error : new Error(`unexpected: ${String(error)}`));

async function identify(options: ProxyOptions, peer: Peer): Promise<IdentityAnswer> {
  const unknown = (detail: string): IdentityAnswer =>
    err({ reason: 'identity_unavailable', detail, process: null });
  try {
    return (
      (await options.identityOf(peer)) ??
      unknown('no process is known that connected to the proxy from there')
    );
  } catch {
    return unknown('finding out which program connects failed');
  }
}
