/** Requests in absolute form: judged one by one, on connections that live on. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dialled } from '../egress/dial.ts';
import { REFUSALS, type RefusalKind, refusalOf } from '../event/refusal.ts';
import { refuseRequest } from './answer.ts';
import { type Asked, authorise, type ProxyContext, type Refused } from './authorise.ts';
import type { ProxyConnection, UnreadableBytes } from './connections.ts';
import { exchange } from './exchange.ts';
import { checkHost, checkRequest } from './headers.ts';
import { type AbsoluteTarget, describeTarget, parseAbsoluteTarget } from './request-target.ts';
import { refuseUndecided } from './undecided.ts';

export async function handleForward(
  context: ProxyContext,
  connection: ProxyConnection,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = ({ kind, body }: Refused): void =>
    refuseRequest(request, response, kind, body, context.limits.lingerMs);
  if (answerLocally(context, request, response)) return;
  const readable = await readTarget(context, connection, request);
  if ('body' in readable) {
    refuse(readable);
    return;
  }
  const asked = askedOf(request, readable);
  const { unreadable } = connection;
  if (unreadable !== null && !request.complete) {
    refuse(await refuseCutShort(context, connection, asked, unreadable));
    return;
  }
  const permission = await authorise(context, connection, asked);
  if (permission.state === 'refused') refuse(permission.refused);
  else if (permission.state === 'gone') response.destroy();
  else if (permission.state === 'inspected') {
    await permission.inspection.forward(connection, readable, request, response);
    connection.exchange = null;
  } else {
    await answer(context, connection, { ...permission, asked, target: readable }, request, response, refuse);
    connection.exchange = null;
  }
}

/** Requests in origin form are for the proxy itself, which few are. */
function answerLocally(context: ProxyContext, request: IncomingMessage, response: ServerResponse): boolean {
  const { method = '', url = '', headers } = request;
  if (context.local === null || !url.startsWith('/') || checkRequest(request, context.limits) !== null)
    return false;
  const answer = context.local({ method, target: url, headers });
  if (answer === null) return false;
  response.sendDate = false;
  response.shouldKeepAlive = false;
  response.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
    'Metadata-Flavor': 'Google',
    Server: 'Metadata Server for VM',
  });
  response.end(answer.body);
  return true;
}

interface Granted {
  readonly asked: Asked;
  readonly target: AbsoluteTarget;
  readonly dialled: Dialled;
}

/** Relays the exchange, unless the bytes of the request turn out to be unreadable before it has its answer. */
async function answer(
  context: ProxyContext,
  connection: ProxyConnection,
  { asked, target, dialled }: Granted,
  request: IncomingMessage,
  response: ServerResponse,
  refuse: (refused: Refused) => void,
): Promise<void> {
  const { rule } = dialled.candidate;
  const binary = connection.exchange?.identity.executable.path ?? null;
  const cutShort = async (): Promise<void> => {
    const { unreadable } = connection;
    if (unreadable === null || request.complete) return;
    connection.last = true;
    dialled.socket.destroy();
    refuse(await refuseCutShort(context, connection, asked, unreadable));
  };
  if (connection.unreadable !== null && !request.complete) return cutShort();
  let failed = (reason: string): void => refuse(failureOf(asked, reason, rule, binary));
  connection.onUnreadable = () => {
    failed = () => undefined;
    void cutShort().catch(context.onDefect);
  };
  await exchange(context, dialled, target, request, response, (reason) => failed(reason));
  connection.onUnreadable = null;
}

const refuseCutShort = (
  context: ProxyContext,
  connection: ProxyConnection,
  { host, port, method, path }: Asked,
  unreadable: UnreadableBytes,
): Promise<Refused> =>
  refuseUndecided(context, connection, { ...unreadable, host: host.text, port, method, path });

/** The target of a well-formed request, or a refusal whose event is emitted. */
export async function readTarget(
  context: ProxyContext,
  connection: ProxyConnection,
  request: IncomingMessage,
): Promise<AbsoluteTarget | Refused> {
  const method = request.method ?? 'GET';
  const url = request.url ?? '';
  const target = parseAbsoluteTarget(method, url);
  const problem =
    checkRequest(request, context.limits) ??
    (target.ok ? checkHost(request, target.value) : target.error) ??
    expectationProblem(request);
  if (problem === null && target.ok) return target.value;
  const { kind, reason } = problem!;
  const known = target.ok
    ? { host: target.value.host.text, port: target.value.port, path: target.value.path }
    : { host: describeTarget(url) || null };
  return refuseUndecided(context, connection, { kind, reason, method, ...known });
}

export const askedOf = (request: IncomingMessage, target: AbsoluteTarget): Asked => ({
  host: target.host,
  port: target.port,
  via: 'forward',
  method: request.method ?? 'GET',
  path: target.path,
});

/** The server was reached, and failed: the decision stands, so there is no further event. */
export function failureOf(
  asked: Asked,
  reason: string,
  rule: Parameters<typeof refusalOf>[0]['rule'],
  binary: string | null,
): Refused {
  const kind: RefusalKind = 'invalid_upstream_response';
  const { method, path, port } = asked;
  const host = asked.host.text;
  const detail = REFUSALS[kind].meaning;
  return {
    kind,
    body: refusalOf({ kind, detail, reason, rule, method, path, host, port, binary, address: null }),
  };
}

export function expectationProblem(
  request: IncomingMessage,
): { kind: 'expectation_failed'; reason: string } | null {
  const { expect } = request.headers;
  if (expect === undefined || expect.toLowerCase() === '100-continue') return null;
  return { kind: 'expectation_failed', reason: 'the only expectation that is understood is 100-continue' };
}
