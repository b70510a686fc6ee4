/** The connections and requests of one sandbox that are looked at: opened, read, judged one by one, and sent on. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { REFUSALS, refusalOf } from '../../event/refusal.ts';
import { closeAfter, refuseRequest, refuseSocket } from '../answer.ts';
import type { Inspection, ProxyContext, Refused } from '../authorise.ts';
import { Connections, detach, ProxyConnection, type Via } from '../connections.ts';
import { describeFailure } from '../exchange.ts';
import { expectationProblem } from '../forward.ts';
import { createFront, guarded } from '../front.ts';
import { checkHost, checkRequest, inspectedRequest } from '../headers.ts';
import type { Authority } from '../request-target.ts';
import type { SandboxAuthority } from '../tls/authority.ts';
import type { UpstreamTls } from '../tls/upstream.ts';
import { endSilence, refuseUndecided } from '../undecided.ts';
import { exchange } from './exchange.ts';
import { type Allowed, judgeRequest } from './judge.ts';
import { readOpening } from './opening.ts';
import { ALERT, alertRecord, checkHello, terminate } from './terminate.ts';
import { UpstreamProblem, Upstreams } from './upstreams.ts';

export interface InspectionOptions {
  readonly context: ProxyContext;
  /** What programs inside trust. */
  readonly authority: SandboxAuthority;
  readonly upstreamTls: UpstreamTls;
}

/** Ports that a Host header leaves out. */
const DEFAULT_PORT = { secure: 443, plain: 80 } as const;

export class InspectedServer implements Inspection {
  readonly #context: ProxyContext;
  readonly #authority: SandboxAuthority;
  readonly #upstreams: Upstreams;
  readonly #connections: Connections;
  readonly #front: Server;
  readonly #secure = new WeakSet<Socket>();

  constructor({ context, authority, upstreamTls }: InspectionOptions) {
    this.#context = context;
    this.#authority = authority;
    this.#upstreams = new Upstreams(context.dialer, upstreamTls, context.limits.headerBytes);
    this.#connections = new Connections(
      context.limits,
      (connection, what) => void guarded(context, connection, endSilence(context, connection, what)),
    );
    this.#front = createFront(context, this.#connections, {
      onRequest: (_context, connection, request, response) =>
        this.#handle(connection, connection.authority!, request, response, this.#portOf(connection)),
      onConnect: (_context, connection, request) =>
        this.#refuseTakeover(connection, request, 'CONNECT is no request to a server'),
      onUpgrade: (_context, connection, request) =>
        this.#refuseTakeover(connection, request, 'another protocol is asked for'),
    });
  }

  async serve(outer: ProxyConnection, authority: Authority, via: Via): Promise<void> {
    const { socket } = outer;
    const opening = await readOpening(socket, this.#context.limits);
    const inner = (over: Socket): ProxyConnection =>
      new ProxyConnection(over, outer.identity, via, authority);
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
        const secure = await terminate(socket, await this.#authority.leafFor(authority.host.text));
        if (secure === null) return;
        this.#secure.add(secure);
        this.#accept(inner(secure));
      }
    }
  }

  forward(
    connection: ProxyConnection,
    target: Authority,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    return this.#handle(connection, target, request, response, DEFAULT_PORT.plain);
  }

  async forwardUpgrade(
    connection: ProxyConnection,
    _target: Authority,
    request: IncomingMessage,
  ): Promise<void> {
    await this.#refuseTakeover(connection, request, 'another protocol is asked for');
  }

  async close(): Promise<void> {
    await this.#connections.closeAll();
    await this.#upstreams.close();
  }

  #accept(connection: ProxyConnection): void {
    if (connection.socket.destroyed) return;
    if (this.#connections.add(connection) === 'accepted') this.#front.emit('connection', connection.socket);
    else connection.socket.destroy();
  }

  #alert(socket: Socket, alert: number): void {
    closeAfter(socket, alertRecord(alert), this.#context.limits.lingerMs);
  }

  #portOf({ socket }: ProxyConnection): number {
    return this.#secure.has(socket) ? DEFAULT_PORT.secure : DEFAULT_PORT.plain;
  }

  async #handle(
    connection: ProxyConnection,
    authority: Authority,
    request: IncomingMessage,
    response: ServerResponse,
    defaultPort: number,
  ): Promise<void> {
    const context = this.#context;
    const { limits } = context;
    const refuse = ({ kind, body }: Refused): void =>
      refuseRequest(request, response, kind, body, limits.lingerMs);
    const method = request.method ?? 'GET';
    const problem =
      checkRequest(request, limits) ??
      checkHost(request, authority, defaultPort) ??
      expectationProblem(request);
    if (problem !== null) {
      const { host, port } = authority;
      refuse(await refuseUndecided(context, connection, { ...problem, method, host: host.text, port }));
      return;
    }
    const head = { method, target: request.url ?? '' };
    const judgement = await judgeRequest(context, connection, authority, head, defaultPort);
    if (judgement.state === 'refused') {
      refuse(judgement.refused);
      return;
    }
    const { allowed } = judgement;
    const upstream = this.#upstreams.to({
      ...authority,
      secure: defaultPort === DEFAULT_PORT.secure,
      candidates: allowed.candidates,
    });
    const outbound = {
      method: allowed.facts.method,
      target: allowed.facts.target,
      headers: inspectedRequest(request, authority, defaultPort),
    };
    await exchange(upstream, outbound, request, response, limits, (error) =>
      refuse(failureOf(authority, allowed, error)),
    );
  }

  async #refuseTakeover(
    connection: ProxyConnection,
    request: IncomingMessage,
    reason: string,
  ): Promise<void> {
    const method = request.method ?? null;
    detach(connection);
    const refused = await refuseUndecided(this.#context, connection, {
      kind: 'unsupported_protocol',
      reason,
      method,
    });
    refuseSocket(connection.socket, refused.kind, refused.body, this.#context.limits.lingerMs);
  }
}

/** The request was allowed, and the server could not be had: the decision stands, so there is no further event. */
function failureOf({ host, port }: Authority, allowed: Allowed, error: Error): Refused {
  const problem = error instanceof UpstreamProblem ? error : null;
  const kind =
    problem === null ? 'invalid_upstream_response' : (problem.destination?.reason ?? 'upstream_unreachable');
  const { rule, binary, facts } = allowed;
  const body = refusalOf({
    kind,
    detail: REFUSALS[kind].meaning,
    reason: problem?.message ?? describeFailure(error),
    rule,
    method: facts.method,
    path: facts.path,
    host: host.text,
    port,
    binary,
    address: problem?.destination?.address ?? null,
  });
  return { kind, body };
}
