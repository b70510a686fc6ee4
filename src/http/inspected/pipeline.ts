/** The way of one request whose endpoint looks at requests: judged, sent on to its server, answered. */
import { REFUSALS, refusalOf } from '../../event/refusal.ts';
import type { ProxyContext, Refused } from '../authorise.ts';
import type { ProxyConnection } from '../connections.ts';
import { describeFailure } from '../exchange.ts';
import { type Authority, authorityText } from '../request-target.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { HeldBytes } from './content.ts';
import { exchange } from './exchange.ts';
import { type Allowed, judgeRequest, requestDraft } from './judge.ts';
import { OnlyHttp2, UpstreamProblem, type Upstreams } from './upstreams.ts';

export interface Pipeline {
  readonly context: ProxyContext;
  readonly upstreams: Upstreams;
  readonly bodies: HeldBytes;
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
  { context, upstreams, bodies }: Pipeline,
  connection: ProxyConnection,
  route: Route,
  client: ClientExchange,
): Promise<void> {
  const { authority } = route;
  const judgement = await judgeRequest(context, connection, authority, client, defaultPort(route), bodies);
  if (judgement.state === 'gone') return client.abort();
  if (judgement.state === 'refused') {
    client.refuse(judgement.refused);
    return;
  }
  const { allowed } = judgement;
  const { host, port } = authority;
  const { candidates, held } = allowed;
  const key = { host, port, secure: route.secure, candidates, http2: route.secure && isGrpc(client) };
  const upstream = upstreams.to(key);
  if (held === null && client.body !== null && client.expectsContinue) client.sendContinue();
  const contentLength = held === null || client.body === null ? client.contentLength : String(held.length);
  const outbound = {
    method: allowed.facts.method,
    target: allowed.facts.target,
    headers: [
      'Host',
      authorityText(route.authority, defaultPort(route)),
      ...client.headers,
      ...(contentLength === null ? [] : ['Content-Length', contentLength]),
    ],
    body: client.body === null ? null : (held ?? client.body),
  };
  await exchange(
    upstream,
    outbound,
    client,
    context.limits,
    (error) => client.refuse(failureOf(context, route, allowed, error)),
    (error) => (error instanceof OnlyHttp2 ? upstreams.overHttp2(key) : null),
  );
}

/** gRPC has no other way than HTTP/2 to a server. */
function isGrpc({ headers }: ClientExchange): boolean {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === 'content-type')
      return /^application\/grpc(?![\w-])/i.test(headers[i + 1]!);
  return false;
}

/** The request was allowed, and the server could not be had. An address that is not allowed any more is refused. */
export function failureOf(
  context: ProxyContext,
  { authority }: Route,
  { rule, binary, facts, process, formOf }: Allowed,
  error: Error,
): Refused {
  const problem = error instanceof UpstreamProblem ? error : null;
  const kind =
    problem === null ? 'invalid_upstream_response' : (problem.destination?.reason ?? 'upstream_unreachable');
  if (kind !== 'invalid_upstream_response' && kind !== 'upstream_unreachable' && kind !== 'name_not_resolved')
    context.emit(requestDraft('deny', REFUSALS[kind].reason, rule, authority, facts, process));
  const body = refusalOf({
    kind,
    detail: REFUSALS[kind].meaning,
    reason: problem?.message ?? describeFailure(error),
    rule,
    method: facts.method,
    path: facts.path,
    host: authority.host.text,
    port: authority.port,
    binary,
    address: problem?.destination?.address ?? null,
  });
  const form = formOf?.(kind, body);
  return { kind, body, ...(form === undefined ? {} : { form }) };
}
