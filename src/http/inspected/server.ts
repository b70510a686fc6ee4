/** The connections and requests of one sandbox that are looked at: opened, read, judged one by one, and sent on. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RefusalFacts } from '../../event/refusal.ts';
import type { Injector } from '../../inject/injector.ts';
import { closeAfter, refuseRequest, refuseSocket } from '../answer.ts';
import type { Inspection, ProxyContext, Refused } from '../authorise.ts';
import { Connections, detach, ProxyConnection, type Via } from '../connections.ts';
import { expectationProblem } from '../forward.ts';
import { createFront, guarded } from '../front.ts';
import { asksForWebSocket, checkHost, checkRequest } from '../headers.ts';
import type { UpstreamLimits } from '../limits.ts';
import type { Authority } from '../request-target.ts';
import type { SandboxAuthority } from '../tls/authority.ts';
import type { UpstreamTls } from '../tls/upstream.ts';
import { endSilence, refuseSurplus, refuseUndecided } from '../undecided.ts';
import { HeldBytes } from './content.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { serveHttp2 } from './http2/front.ts';
import type { InferenceHandler } from './inference-handler.ts';
import { readOpening } from './opening.ts';
import { defaultPort, type Pipeline, type Route, serveRequest } from './pipeline.ts';
import { ALERT, alertRecord, checkHello, terminate } from './terminate.ts';
import { Upstreams } from './upstreams.ts';
import type { WebSockets } from './websocket/front.ts';

export interface InspectionOptions {
  readonly context: ProxyContext;
  /** What programs inside trust. */
  readonly authority: SandboxAuthority;
  readonly upstreamTls: UpstreamTls;
  readonly upstreamLimits?: UpstreamLimits;
  /** Null: no credential was given. */
  readonly injector: Injector | null;
  /** Null: no routes were given. */
  readonly inference: InferenceHandler | null;
}

/** Why a request is refused before it is judged. */
type Problem = Pick<RefusalFacts, 'kind' | 'reason'>;

export class InspectedServer implements Inspection {
  readonly #context: ProxyContext;
  readonly #authority: SandboxAuthority;
  readonly #pipeline: Pipeline;
  readonly #connections: Connections;
  readonly #front: Server;
  readonly #secure = new WeakSet<Socket>();
  #webSockets: Promise<WebSockets> | null = null;

  constructor({ context, authority, upstreamTls, upstreamLimits, injector, inference }: InspectionOptions) {
    this.#context = context;
    this.#authority = authority;
    const { headerBytes } = context.limits;
    const upstreams = new Upstreams(context.dialer, upstreamTls, headerBytes, upstreamLimits);
    this.#pipeline = { context, upstreams, bodies: new HeldBytes(), injector, inference };
    this.#connections = new Connections(
      { ...context.limits, connections: context.limits.inspectedConnections },
      (connection, what) => void guarded(context, connection, endSilence(context, connection, what)),
    );
    this.#front = createFront(context, this.#connections, {
      onRequest: (_context, connection, request, response) =>
        this.#handle(connection, this.#routeOf(connection), request, response),
      onConnect: (_context, connection, request) =>
        this.#refuseTakeover(connection, request, 'CONNECT is no request to a server', connection.authority),
      onUpgrade: (_context, connection, request, head) =>
        this.#upgrade(connection, this.#routeOf(connection), request, head),
    });
  }

  async serve(outer: ProxyConnection, authority: Authority, via: Via): Promise<void> {
    const { socket } = outer;
    const opening = await readOpening(socket, this.#context.limits);
    const identity = await outer.identity();
    const inner = (over: Socket): ProxyConnection => new ProxyConnection(over, identity, via, authority);
    switch (opening.kind) {
      case 'gone':
        socket.destroy();
        return;
      case 'silent': {
        const reason = `nothing came that says which protocol it is, for ${this.#context.limits.headerMs} ms`;
        await refuseUndecided(this.#context, inner(socket), { kind: 'request_timeout', reason });
        socket.destroy();
        return;
      }
      case 'not-tls':
        this.#accept(inner(socket));
        return;
      case 'broken': {
        const reason = `the TLS client's first message cannot be read: ${opening.why}`;
        await refuseUndecided(this.#context, inner(socket), { kind: 'malformed_request', reason });
        this.#alert(socket, ALERT.decodeError);
        return;
      }
      case 'hello': {
        const problem = checkHello(opening, authority.host);
        if (problem !== null) {
          await refuseUndecided(this.#context, inner(socket), problem);
          this.#alert(socket, problem.alert);
          return;
        }
        const secure = await terminate(socket, this.#authority.leafFor(authority.host.text));
        if (secure === null) return;
        this.#secure.add(secure);
        if (secure.alpnProtocol === 'h2') this.#acceptHttp2(inner(secure));
        else this.#accept(inner(secure));
      }
    }
  }

  forward(
    connection: ProxyConnection,
    target: Authority,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    return this.#handle(connection, { authority: target, secure: false }, request, response);
  }

  async forwardUpgrade(
    connection: ProxyConnection,
    target: Authority,
    request: IncomingMessage,
    head: Buffer,
  ): Promise<void> {
    await this.#upgrade(connection, { authority: target, secure: false }, request, head);
  }

  renew(): void {
    this.#pipeline.upstreams.renew();
    void this.#webSockets?.then((webSockets) => webSockets.rulesChanged());
  }

  async close(): Promise<void> {
    await this.#connections.closeAll();
    await this.#pipeline.upstreams.close();
    await this.#pipeline.inference?.close();
  }

  #accept(connection: ProxyConnection): void {
    if (connection.socket.destroyed) return;
    const place = this.#connections.add(connection);
    if (place === 'accepted') this.#front.emit('connection', connection.socket);
    else this.#refuseSurplus(connection, place === 'surplus');
  }

  #refuseSurplus(connection: ProxyConnection, answer: boolean): void {
    const context = this.#context;
    const { inspectedConnections } = context.limits;
    void guarded(context, connection, refuseSurplus(context, connection, answer, inspectedConnections));
  }

  #acceptHttp2(connection: ProxyConnection): void {
    const { socket } = connection;
    if (socket.destroyed) return;
    if (this.#connections.add(connection) !== 'accepted') {
      this.#refuseSurplus(connection, false);
      return;
    }
    const route = this.#routeOf(connection);
    serveHttp2(this.#context, connection, route, (client) =>
      serveRequest(this.#pipeline, connection, route, client),
    );
  }

  #alert(socket: Socket, alert: number): void {
    closeAfter(socket, alertRecord(alert), this.#context.limits.lingerMs);
  }

  #routeOf({ socket, authority }: ProxyConnection): Route {
    return { authority: authority!, secure: this.#secure.has(socket) };
  }

  async #handle(
    connection: ProxyConnection,
    route: Route,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { limits, onDefect } = this.#context;
    const refuseFor = async (problem: Problem): Promise<void> => {
      const { kind, body } = await this.#refuseUndecided(connection, request, problem, route.authority);
      refuseRequest(request, response, kind, body, limits.lingerMs);
    };
    const problem =
      checkRequest(request, limits) ??
      checkHost(request, route.authority, defaultPort(route)) ??
      expectationProblem(request) ??
      (request.complete ? null : connection.unreadable);
    if (problem !== null) return refuseFor(problem);
    const client = new Http1Exchange(request, response, limits.lingerMs);
    connection.onUnreadable = () => {
      const { unreadable } = connection;
      if (unreadable === null || request.complete) return;
      connection.last = true;
      client.cutShort();
      void refuseFor(unreadable).catch(onDefect);
    };
    await serveRequest(this.#pipeline, connection, route, client);
    connection.onUnreadable = null;
  }

  async #upgrade(
    connection: ProxyConnection,
    route: Route,
    request: IncomingMessage,
    head: Buffer,
  ): Promise<void> {
    if (!asksForWebSocket(request))
      return this.#refuseTakeover(connection, request, 'another protocol is asked for', route.authority);
    const { limits } = this.#context;
    const problem = checkRequest(request, limits) ?? checkHost(request, route.authority, defaultPort(route));
    if (problem !== null) {
      const { kind, body } = await this.#refuseUndecided(connection, request, problem, route.authority);
      return refuseSocket(connection.socket, kind, body, limits.lingerMs);
    }
    this.#webSockets ??= this.#loadWebSockets();
    return (await this.#webSockets).serve(connection, route, request, head);
  }

  async #loadWebSockets(): Promise<WebSockets> {
    const { WebSockets } = await import('./websocket/websocket.late.ts');
    return new WebSockets(this.#pipeline);
  }

  async #refuseTakeover(
    connection: ProxyConnection,
    request: IncomingMessage,
    reason: string,
    authority: Authority | null,
  ): Promise<void> {
    detach(connection);
    const problem = { kind: 'unsupported_protocol', reason } as const;
    const { kind, body } = await this.#refuseUndecided(connection, request, problem, authority);
    refuseSocket(connection.socket, kind, body, this.#context.limits.lingerMs);
  }

  #refuseUndecided(
    connection: ProxyConnection,
    request: IncomingMessage,
    problem: Problem,
    authority: Authority | null,
  ): Promise<Refused> {
    const method = request.method ?? null;
    const destination = { host: authority?.host.text ?? null, port: authority?.port ?? null };
    return refuseUndecided(this.#context, connection, { ...problem, method, ...destination });
  }
}
