/**
 * Requests in absolute form that ask for another protocol (WebSocket). Only when the server answers 101 does the
 * connection become a tunnel; any other answer is relayed and ends the connection.
 */
import type { IncomingMessage } from 'node:http';
import type { Dialled } from '../egress/dial.ts';
import { closeAfter, refuseSocket } from './answer.ts';
import { authorise, type ProxyContext, type Refused } from './authorise.ts';
import type { ProxyConnection } from './connections.ts';
import { describeFailure, headText, upstreamRequest } from './exchange.ts';
import { askedOf, failureOf, readTarget } from './forward.ts';
import { forwardedResponse, hasBody, valuesOf } from './headers.ts';
import type { AbsoluteTarget } from './request-target.ts';
import { relay } from './tunnel.ts';
import { refuseUndecided } from './undecided.ts';

/** `head` is what came behind the request: it is passed on after a 101, and dropped otherwise. */
export async function handleUpgrade(
  context: ProxyContext,
  connection: ProxyConnection,
  request: IncomingMessage,
  head: Buffer,
): Promise<void> {
  const { socket } = connection;
  const refuse = ({ kind, body }: Refused): void => refuseSocket(socket, kind, body, context.limits.lingerMs);
  const target = await readTarget(context, connection, request);
  if ('body' in target) return refuse(target);
  if (hasBody(request)) {
    const { host, port, path } = target;
    const reason = 'a request that asks for another protocol cannot have a body here';
    const facts = { kind: 'malformed_request', reason, host: host.text, port, path } as const;
    return refuse(await refuseUndecided(context, connection, { ...facts, method: request.method ?? null }));
  }
  const asked = askedOf(request, target);
  const permission = await authorise(context, connection, asked);
  if (permission.state === 'refused') return refuse(permission.refused);
  if (permission.state === 'gone') return void socket.destroy();
  if (permission.state === 'inspected')
    return permission.inspection.forwardUpgrade(connection, target, request, head);
  const { dialled } = permission;
  const binary = connection.exchange?.identity.executable.path ?? null;
  negotiate(context, connection, { dialled, target, request, head }, (reason) =>
    refuse(failureOf(asked, reason, dialled.candidate.rule, binary)),
  );
}

interface Negotiation {
  readonly dialled: Dialled;
  readonly target: AbsoluteTarget;
  readonly request: IncomingMessage;
  readonly head: Buffer;
}

function negotiate(
  context: ProxyContext,
  { socket }: ProxyConnection,
  { dialled, target, request, head }: Negotiation,
  onFailure: (reason: string) => void,
): void {
  const wanted = valuesOf(request.rawHeaders, 'upgrade').join(', ');
  const upstream = upstreamRequest(context, dialled.socket, target, request, wanted);
  let answered = false;
  const fail = (reason: string): void => {
    dialled.socket.destroy();
    if (answered) socket.destroy();
    else onFailure(reason);
    answered = true;
  };
  const clientClosed = (): void => void dialled.socket.destroy();
  socket.once('close', clientClosed);
  upstream.on('error', (error: NodeJS.ErrnoException) => fail(describeFailure(error)));
  upstream.on('close', () => {
    if (!answered) fail('the server closed the connection without an answer');
  });
  upstream.on('upgrade', (answer, server, rest) => {
    answered = true;
    socket.off('close', clientClosed);
    const protocol = valuesOf(answer.rawHeaders, 'upgrade').join(', ');
    const headers = [...forwardedResponse(answer), 'Connection', 'Upgrade', 'Upgrade', protocol];
    socket.write(headText(101, answer.statusMessage, headers), 'latin1');
    if (rest.length > 0) server.unshift(rest);
    if (head.length > 0) socket.unshift(head);
    relay(socket, dialled.socket, context.limits);
  });
  upstream.on('response', (answer) => {
    answered = true;
    const headers = [...forwardedResponse(answer), 'Connection', 'close'];
    socket.write(headText(answer.statusCode ?? 502, answer.statusMessage, headers), 'latin1');
    answer.on('error', () => fail('the server closed the connection in the middle of its answer'));
    answer.on('close', () => (answer.complete ? undefined : socket.destroy()));
    answer.pipe(socket, { end: false });
    answer.once('end', () => closeAfter(socket, '', context.limits.lingerMs));
  });
  upstream.end();
}
