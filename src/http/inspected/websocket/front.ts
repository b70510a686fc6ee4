/** WebSockets of one sandbox on endpoints that say `protocol: websocket`: asked for, opened at the server, and read. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { refuseSocket } from '../../answer.ts';
import type { ProxyContext, Refused } from '../../authorise.ts';
import type { ProxyConnection } from '../../connections.ts';
import { headText, requestOver } from '../../exchange.ts';
import { endToEndRequest, inspectedResponse } from '../../headers.ts';
import { negotiate } from '../../negotiate.ts';
import { authorityText } from '../../request-target.ts';
import { SharedByWebSockets } from '../../websocket/budget.ts';
import {
  answerHeaders,
  checkAnswer,
  checkHandshake,
  type Handshake,
  requestHeaders,
} from '../../websocket/handshake.ts';
import { relayWebSocket, type WebSocketRelay } from '../../websocket/relay.ts';
import type { RequestToJudge } from '../client-exchange.ts';
import { judgeRequest, type Objection } from '../judge.ts';
import { defaultPort, failureOf, type Pipeline, type Route, refusedCredential } from '../pipeline.ts';
import { credentialsOf, type WebSocketCredentials } from './credentials.ts';
import { WebSocketJudge } from './judge-messages.ts';

interface Opened {
  readonly judge: WebSocketJudge;
  readonly relay: WebSocketRelay;
}

export class WebSockets {
  readonly #pipeline: Pipeline;
  readonly #shared: SharedByWebSockets;
  readonly #open = new Set<Opened>();

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    this.#shared = new SharedByWebSockets(pipeline.bodies);
  }

  /** @param head what came behind the request, whose header section has been checked and names the authority of the route */
  async serve(
    connection: ProxyConnection,
    route: Route,
    request: IncomingMessage,
    head: Buffer,
  ): Promise<void> {
    const { context, upstreams, bodies } = this.#pipeline;
    const { socket } = connection;
    const refuse = ({ kind, body }: Refused): void =>
      refuseSocket(socket, kind, body, context.limits.lingerMs);
    const handshake = checkHandshake(request);
    const judgement = await judgeRequest(
      context,
      connection,
      route.authority,
      toJudge(request, socket),
      defaultPort(route),
      bodies,
      ({ endpoint }): Objection | null => {
        if (endpoint.inspection?.protocol !== 'websocket') return NOT_FOR_WEBSOCKETS;
        return handshake.ok ? null : { kind: 'malformed_request', reason: handshake.error };
      },
    );
    if (judgement.state === 'gone') return void socket.destroy();
    if (judgement.state === 'refused') return refuse(judgement.refused);
    const identity = await connection.identity();
    if (!handshake.ok || !identity.ok) throw new Error('internal error: allowed without a handshake');
    const { allowed } = judgement;
    const credentials = await credentialsOf(this.#pipeline, route, allowed, request);
    if (!credentials.ok) return refuse(refusedCredential(context, route, allowed, credentials.error));
    const { mask, head: filled } = credentials.value;
    const wanted = { ...handshake.value, readServer: mask !== null };
    const fail = (error: Error): void => {
      if (!socket.destroyed) refuse(failureOf(context, route, allowed, error));
    };
    let server: Socket;
    try {
      const { host, port } = route.authority;
      server = await upstreams.connect({ host, port, secure: route.secure, candidates: allowed.candidates });
    } catch (error) {
      return fail(error as Error);
    }
    const judge = new WebSocketJudge(context, route.authority, identity.value, allowed);
    if (socket.destroyed || !judge.stillAllowed()) {
      server.destroy();
      socket.destroy();
      return;
    }
    const masked = (headers: string[]): string[] => mask?.headers(headers) ?? headers;
    negotiate(
      socket,
      server,
      sendRequest(context, route, filled, wanted, server),
      {
        onFailure: (reason) => fail(new Error(reason)),
        onUpgrade: (answer, rest) => {
          const agreement = checkAnswer(answer, wanted);
          if (!agreement.ok) return agreement.error;
          const headers = answerHeaders(
            masked(inspectedResponse(answer.rawHeaders)),
            wanted,
            agreement.value,
          );
          const lines = [...headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
          socket.write(
            headText(101, mask?.text(answer.statusMessage ?? '') ?? answer.statusMessage, lines),
            'latin1',
          );
          this.#relay(judge, credentials.value, {
            client: socket,
            clientHead: head,
            server,
            serverHead: rest,
            deflate: agreement.value.deflate,
            ...(mask === null ? {} : { maskServer: mask }),
          });
          return null;
        },
        // Its body would have to be masked, and no program reads it.
        onOther: ({ statusCode }) =>
          mask === null ? null : `the server answered ${statusCode} and did not change to WebSocket`,
        headersOf: ({ rawHeaders }) => inspectedResponse(rawHeaders),
      },
      context.limits,
    );
  }

  /** Closes those that the rules do not allow any more (1012, service restart). */
  rulesChanged(): void {
    for (const opened of this.#open) this.#recheck(opened);
  }

  #recheck({ judge, relay }: Opened): void {
    if (!judge.stillAllowed()) relay.close(1012, 'the policy has changed');
  }

  #relay(
    judge: WebSocketJudge,
    { fill, refuseBinary }: WebSocketCredentials,
    sides: Omit<Parameters<typeof relayWebSocket>[0], 'judgeText' | 'judgeBinary' | 'shared' | 'onEnd'>,
  ): void {
    const { context } = this.#pipeline;
    const relay = relayWebSocket({
      ...sides,
      judgeText:
        fill === null ? (text) => judge.judgeText(text) : async (text) => fill(await judge.judgeText(text)),
      judgeBinary: () => refuseBinary?.() ?? judge.judgeBinary(),
      shared: this.#shared,
      onEnd: (end) => {
        this.#open.delete(opened);
        if (end.cause === 'defect') context.onDefect(end.error);
        if (end.cause === 'broken' && end.side === 'client') judge.tellBroken(end.code);
      },
    });
    const opened: Opened = { judge, relay };
    this.#open.add(opened);
    this.#recheck(opened);
  }
}

const NOT_FOR_WEBSOCKETS: Objection = {
  kind: 'request_not_allowed',
  reason: 'a WebSocket needs an endpoint with `protocol: websocket`, and this one has another',
};

/** A request that has no body, or is refused since it has one: the rest of it is never read. */
const toJudge = (request: IncomingMessage, socket: Socket): RequestToJudge => ({
  method: request.method ?? 'GET',
  target: request.url ?? '',
  headers: endToEndRequest(request.rawHeaders),
  body: null,
  contentLength: null,
  expectsContinue: false,
  sendContinue: () => undefined,
  onClose: (listener) => void socket.once('close', listener),
});

function sendRequest(
  context: ProxyContext,
  route: Route,
  filled: WebSocketCredentials['head'],
  handshake: Handshake,
  socket: Socket,
): ClientRequest {
  const headers = [
    ...['Host', authorityText(route.authority, defaultPort(route))],
    ...requestHeaders(filled.headers, handshake),
    ...['Connection', 'Upgrade', 'Upgrade', 'websocket'],
  ];
  return requestOver(context, socket, { method: 'GET', path: filled.target, headers });
}
