/** The server that reads requests off client connections: of the proxy, and of connections whose requests are looked at. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ProxyContext } from './authorise.ts';
import { type Connections, detach, type ProxyConnection } from './connections.ts';
import { refusePipelined, refusePipelinedRequest, refuseUnreadable } from './undecided.ts';

type Take = (
  context: ProxyContext,
  connection: ProxyConnection,
  request: IncomingMessage,
  head: Buffer,
) => Promise<void>;

export interface FrontHandlers {
  readonly onRequest: (
    context: ProxyContext,
    connection: ProxyConnection,
    request: IncomingMessage,
    response: ServerResponse,
  ) => Promise<void>;
  /** Requests that take the connection over; `head` is what came behind them. */
  readonly onConnect: Take;
  readonly onUpgrade: Take;
}

/** Give it a connection that is in `connections` as its event `connection`. */
export function createFront(
  context: ProxyContext,
  connections: Connections,
  { onRequest, onConnect, onUpgrade }: FrontHandlers,
): Server {
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
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.of(request.socket);
    if (connection === undefined) return void request.socket.destroy();
    takeTurn(context, connection, request, response, onRequest);
  };
  server.on('request', take);
  server.on('checkContinue', take);
  server.on('checkExpectation', take);
  for (const [event, handle] of [
    ['connect', onConnect],
    ['upgrade', onUpgrade],
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
  handle: FrontHandlers['onRequest'],
): void {
  connection.pending += 1;
  connection.waiting = null;
  const surplus = connection.pending > context.limits.pipelined;
  const answer = async (): Promise<void> => {
    if (connection.last || response.destroyed || connection.socket.destroyed) return;
    await guarded(
      context,
      connection,
      surplus
        ? refusePipelinedRequest(context, connection, request, response)
        : handle(context, connection, request, response),
    );
    // Whatever follows an answer that closes the connection is not acted upon.
    if (!response.shouldKeepAlive) connection.last = true;
  };
  const answered = connection.turns === 0 ? answer() : connection.turn.then(answer);
  connection.turns += 1;
  connection.turn = new Promise<void>((resolve) => {
    response.once('close', () => {
      connection.pending -= 1;
      if (connection.pending === 0 && !connection.detached) connection.wait(Date.now());
      void answered.then(() => {
        connection.turns -= 1;
        resolve();
      });
    });
  });
}

/** A defect of ours must not keep a connection open, since nobody knows what was decided on it, nor stop the others. */
export async function guarded(
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
