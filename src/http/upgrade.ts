/**
 * Requests in absolute form that ask for another protocol (WebSocket). Only when the server answers 101 does the
 * connection become a tunnel; any other answer is relayed and ends the connection.
 */
import type { IncomingMessage } from 'node:http';
import { refuseSocket } from './answer.ts';
import { authorise, type ProxyContext, type Refused } from './authorise.ts';
import type { ProxyConnection } from './connections.ts';
import { headText, upstreamRequest } from './exchange.ts';
import { askedOf, failureOf, readTarget } from './forward.ts';
import { forwardedResponse, hasBody, valuesOf } from './headers.ts';
import { negotiate } from './negotiate.ts';
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
  const wanted = valuesOf(request.rawHeaders, 'upgrade').join(', ');
  negotiate(
    socket,
    dialled.socket,
    upstreamRequest(context, dialled.socket, target, request, wanted),
    {
      onFailure: (reason) => refuse(failureOf(asked, reason, dialled.candidate.rule, binary)),
      onUpgrade: (answer, rest) => {
        const protocol = valuesOf(answer.rawHeaders, 'upgrade').join(', ');
        const headers = [...forwardedResponse(answer), 'Connection', 'Upgrade', 'Upgrade', protocol];
        socket.write(headText(101, answer.statusMessage, headers), 'latin1');
        if (rest.length > 0) dialled.socket.unshift(rest);
        if (head.length > 0) socket.unshift(head);
        relay(socket, dialled.socket, context.limits);
        return null;
      },
      headersOf: forwardedResponse,
    },
    context.limits,
  );
}
