/** CONNECT: a tunnel to a host and port, opened only when it can be used (RFC 9110 section 9.3.6). */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Destination } from '../match/verdict.ts';
import { refuseSocket } from './answer.ts';
import { authorise, type ProxyContext, type Refused } from './authorise.ts';
import { detach, type ProxyConnection } from './connections.ts';
import { checkRequest, hasBody } from './headers.ts';
import { describeTarget, parseConnectTarget } from './request-target.ts';
import { relay } from './tunnel.ts';
import { refuseUndecided } from './undecided.ts';

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** `head` is what the client sent behind its request without waiting; it belongs to the tunnel. */
export async function handleConnect(
  context: ProxyContext,
  connection: ProxyConnection,
  request: IncomingMessage,
  head: Buffer,
): Promise<void> {
  const { socket } = connection;
  const refuse = ({ kind, body }: Refused): void => refuseSocket(socket, kind, body, context.limits.lingerMs);
  const url = request.url ?? '';
  const target = parseConnectTarget(url);
  const problem =
    checkRequest(request, context.limits) ??
    (hasBody(request)
      ? { kind: 'malformed_request' as const, reason: 'a CONNECT request has no body' }
      : null) ??
    (target.ok ? null : target.error);
  if (problem !== null || !target.ok) {
    const facts = {
      kind: problem!.kind,
      reason: problem!.reason,
      method: 'CONNECT',
      host: describeTarget(url) || null,
    };
    refuse(await refuseUndecided(context, connection, facts, 'connect'));
    return;
  }
  const asked = { ...target.value, via: 'connect', method: 'CONNECT', path: null } as const;
  const permission = await authorise(context, connection, asked);
  if (permission.state === 'refused') refuse(permission.refused);
  else if (permission.state === 'gone') socket.destroy();
  else if (permission.state === 'inspected') {
    socket.write(ESTABLISHED);
    if (head.length > 0) socket.unshift(head);
    await permission.inspection.serve(connection, target.value, 'connect');
  } else openTunnel(context, socket, permission.dialled.socket, head);
}

/** A connection that was meant for a host, and came here since its requests are looked at: there is nobody to tell of a refusal. */
export async function handleDirect(
  context: ProxyContext,
  connection: ProxyConnection,
  destination: Destination,
): Promise<void> {
  detach(connection);
  const asked = { ...destination, via: 'direct', method: 'CONNECT', path: null } as const;
  const permission = await authorise(context, connection, asked);
  if (permission.state === 'inspected') await permission.inspection.serve(connection, destination, 'direct');
  else if (permission.state === 'granted')
    relay(connection.socket, permission.dialled.socket, context.limits);
  else connection.socket.destroy();
}

function openTunnel(context: ProxyContext, client: Socket, server: Socket, head: Buffer): void {
  client.write(ESTABLISHED);
  if (head.length > 0) client.unshift(head);
  relay(client, server, context.limits);
}
