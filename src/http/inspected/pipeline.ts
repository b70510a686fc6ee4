/** The way of one request whose endpoint looks at requests: judged, sent on to its server, answered. */

import type { Soon } from '../../base/soon.ts';
import { processOf } from '../../egress/decision-event.ts';
import { REFUSALS, type RefusalKind } from '../../event/refusal.ts';
import type { Injector } from '../../inject/injector.ts';
import { InjectionError, type InjectionProblem } from '../../inject/problem.ts';
import { servesInference } from '../../plan/inference.ts';
import type { ProxyContext, Refused } from '../authorise.ts';
import type { ProxyConnection } from '../connections.ts';
import { describeFailure } from '../exchange.ts';
import { type Authority, authorityText } from '../request-target.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { HeldBytes } from './content.ts';
import { exchange } from './exchange.ts';
import type { InferenceHandler } from './inference-handler.ts';
import { type Injected, inject } from './injected-request.ts';
import { type Allowed, judgeRequest } from './judge.ts';
import { MaskedExchange } from './masked-exchange.ts';
import { notPermitted, type RequestToRefuse, refuse, refusedAs } from './refusing.ts';
import { OnlyHttp2, UpstreamProblem, type Upstreams } from './upstreams.ts';

export interface Pipeline {
  readonly context: ProxyContext;
  readonly upstreams: Upstreams;
  readonly bodies: HeldBytes;
  /** Null: no credential was given. */
  readonly injector: Injector | null;
  /** Null: no routes were given. */
  readonly inference: InferenceHandler | null;
}

/** Where a request goes, and how. */
export interface Route {
  readonly authority: Authority;
  /** The client spoke TLS, and so does the server. */
  readonly secure: boolean;
}

/** Ports that a Host header leaves out. */
export const defaultPort = ({ secure }: Route): number => (secure ? 443 : 80);

/** Settles when the exchange is over. The header section has been checked, and names the authority of the route. */
export async function serveRequest(
  pipeline: Pipeline,
  connection: ProxyConnection,
  route: Route,
  client: ClientExchange,
): Promise<void> {
  const { context, upstreams, bodies, inference } = pipeline;
  const { authority } = route;
  const { host, port } = authority;
  if (inference !== null && route.secure && servesInference(context.index(), host.text, port)) {
    const identity = await connection.identity();
    const process = identity.ok ? processOf(identity.value) : identity.error.process;
    return inference.handle(client, { process });
  }
  const judgement = await judgeRequest(context, connection, authority, client, defaultPort(route), bodies);
  if (judgement.state === 'gone') return client.abort();
  if (judgement.state === 'refused') {
    client.refuse(judgement.refused);
    return;
  }
  const { allowed } = judgement;
  const filled = injectedFor(pipeline, route, allowed, client);
  const injected = filled instanceof Promise ? await filled : filled;
  if (injected === null) return;
  const { outbound, mask } = injected;
  const { candidates } = allowed;
  const key = { host, port, secure: route.secure, candidates, http2: route.secure && isGrpc(client) };
  await exchange(
    upstreams.to(key),
    outbound,
    mask === null ? client : new MaskedExchange(client, mask),
    context.limits,
    (error) => client.refuse(failureOf(context, route, allowed, error)),
    (error) => (error instanceof OnlyHttp2 ? upstreams.overHttp2(key) : null),
  );
}

/** What is sent. Null: it was refused, since a credential cannot be filled in. */
function injectedFor(
  { context, injector }: Pipeline,
  route: Route,
  allowed: Allowed,
  client: ClientExchange,
): Soon<Injected | null> {
  const { facts, held, selected } = allowed;
  const contentLength = held === null || client.body === null ? client.contentLength : String(held.length);
  const outbound = {
    method: facts.method,
    target: facts.target,
    headers: [
      'Host',
      authorityText(route.authority, defaultPort(route)),
      ...client.headers,
      ...(contentLength === null ? [] : ['Content-Length', contentLength]),
    ],
    body: client.body === null ? null : (held ?? client.body),
  };
  let continued = held !== null || client.body === null || !client.expectsContinue;
  const continues = (): void => {
    if (!continued) client.sendContinue();
    continued = true;
  };
  if (injector === null) {
    continues();
    return { outbound, mask: null };
  }
  const { host, port } = route.authority;
  const destination = { selected, secure: route.secure, host: host.text, port };
  return filledIn(client, inject(injector, destination, outbound, continues), continues, (problem) =>
    refusedCredential(context, route, allowed, problem),
  );
}

async function filledIn(
  client: ClientExchange,
  injecting: ReturnType<typeof inject>,
  continues: () => void,
  refusal: (problem: InjectionProblem) => Refused,
): Promise<Injected | null> {
  let gone = false;
  client.onClose(() => {
    gone = true;
  });
  const injected = await injecting;
  if (injected.ok) {
    continues();
    return injected.value;
  }
  if (!gone) client.refuse(refusal(injected.error));
  return null;
}

export function refusedCredential(
  context: ProxyContext,
  route: Route,
  allowed: Allowed,
  { kind, detail: reason }: InjectionProblem,
): Refused {
  const request = toRefuse(route, allowed);
  const detail = notPermitted(request, 'with this credential');
  return refuse(context, request, { kind, detail, reason, rule: allowed.selected.rule });
}

const toRefuse = ({ authority }: Route, { facts, process, formOf }: Allowed): RequestToRefuse => ({
  authority,
  method: facts.method,
  path: facts.path,
  process,
  seen: { formOf },
});

/** gRPC has no other way than HTTP/2 to a server. */
function isGrpc({ headers }: ClientExchange): boolean {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === 'content-type')
      return /^application\/grpc(?![\w-])/i.test(headers[i + 1]!);
  return false;
}

/** The request was allowed, and the server could not be had. An address that is not allowed any more is refused. */
export function failureOf(context: ProxyContext, route: Route, allowed: Allowed, error: Error): Refused {
  if (error instanceof InjectionError) return refusedCredential(context, route, allowed, error.problem);
  const problem = error instanceof UpstreamProblem ? error : null;
  const kind: RefusalKind =
    problem === null ? 'invalid_upstream_response' : (problem.destination?.reason ?? 'upstream_unreachable');
  const why = {
    kind,
    detail: REFUSALS[kind].meaning,
    reason: problem?.message ?? describeFailure(error),
    rule: allowed.rule,
    address: problem?.destination?.address ?? null,
  };
  const request = toRefuse(route, allowed);
  const isFailure =
    kind === 'invalid_upstream_response' || kind === 'upstream_unreachable' || kind === 'name_not_resolved';
  return isFailure ? refusedAs(request, why) : refuse(context, request, why);
}
