/** WebSockets of one sandbox on endpoints that say `protocol: websocket`: asked for, opened at the server, and read. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { err, ok, type Result } from '../../base/result.ts';
import { refuseSocket } from '../answer.ts';
import type { ProxyContext, Refused } from '../authorise.ts';
import type { ProxyConnection } from '../connections.ts';
import { headText } from '../exchange.ts';
import { endToEndRequest, inspectedResponse } from '../headers.ts';
import { negotiate } from '../negotiate.ts';
import { authorityText } from '../request-target.ts';
import { SharedByWebSockets } from '../websocket/budget.ts';
import {
  answerHeaders,
  checkAnswer,
  checkHandshake,
  type Handshake,
  requestHeaders,
} from '../websocket/handshake.ts';
import { relayWebSocket, type WebSocketRelay } from '../websocket/relay.ts';
import type { RequestToJudge } from './client-exchange.ts';
import type { Outbound } from './exchange.ts';
import { inject } from './injected-request.ts';
import { type Allowed, judgeRequest, type Objection } from './judge.ts';
import { WebSocketJudge } from './judge-messages.ts';
import { defaultPort, failureOf, type Pipeline, type Route, refusedCredential } from './pipeline.ts';

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
    const outbound = await this.#outbound(route, allowed, request, handshake.value);
    if (!outbound.ok) return refuse(outbound.error);
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
    negotiate(
      socket,
      server,
      sendRequest(context, outbound.value, server),
      {
        onFailure: (reason) => fail(new Error(reason)),
        onUpgrade: (answer, rest) => {
          const agreement = checkAnswer(answer, handshake.value);
          if (!agreement.ok) return agreement.error;
          const headers = answerHeaders(
            inspectedResponse(answer.rawHeaders),
            handshake.value,
            agreement.value,
          );
          const lines = [...headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
          socket.write(headText(101, answer.statusMessage, lines), 'latin1');
          this.#relay(judge, {
            client: socket,
            clientHead: head,
            server,
            serverHead: rest,
            deflate: agreement.value.deflate,
          });
          return null;
        },
        headersOf: ({ rawHeaders }) => inspectedResponse(rawHeaders),
      },
      context.limits,
    );
  }

  /** Closes those that the rules do not allow any more (1012, service restart). */
  rulesChanged(): void {
    for (const opened of this.#open) this.#recheck(opened);
  }

  /** With the credentials that its head asks for. What is said after it is passed on as it is. */
  async #outbound(
    route: Route,
    allowed: Allowed,
    request: IncomingMessage,
    handshake: Handshake,
  ): Promise<Result<Outbound, Refused>> {
    const { context, injector } = this.#pipeline;
    const { facts, selected } = allowed;
    const { host, port } = route.authority;
    const headers = [
      'Host',
      authorityText(route.authority, defaultPort(route)),
      ...requestHeaders(endToEndRequest(request.rawHeaders), handshake),
    ];
    const outbound = { method: 'GET', target: facts.target, headers, body: null };
    if (injector === null) return ok(outbound);
    const destination = { selected, secure: route.secure, host: host.text, port };
    const injected = await inject(injector, destination, outbound, () => undefined);
    if (injected.ok) return ok(injected.value.outbound);
    return err(refusedCredential(context, route, allowed, injected.error));
  }

  #recheck({ judge, relay }: Opened): void {
    if (!judge.stillAllowed()) relay.close(1012, 'the policy has changed');
  }

  #relay(
    judge: WebSocketJudge,
    sides: Omit<Parameters<typeof relayWebSocket>[0], 'judgeText' | 'judgeBinary' | 'shared' | 'onEnd'>,
  ): void {
    const { context } = this.#pipeline;
    const relay = relayWebSocket({
      ...sides,
      judgeText: (text) => judge.judgeText(text),
      judgeBinary: () => judge.judgeBinary(),
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
  { target, headers }: Outbound,
  socket: Socket,
): ReturnType<ProxyContext['request']> {
  try {
    const upstream = context.request({
      createConnection: () => socket,
      method: 'GET',
      path: target,
      headers: [...headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
      setHost: false,
      maxHeaderSize: context.limits.headerBytes,
      insecureHTTPParser: false,
    });
    upstream.maxHeadersCount = 0;
    return upstream;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
