/** Refusals that come before any decision about a destination: what cannot be read, comes too fast, or is too much. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decisionDraft, processOf } from '../egress/decision-event.ts';
import { REFUSALS, type RefusalFacts, refusalOf } from '../event/refusal.ts';
import { closeAfter, refuseRequest, refuseSocket } from './answer.ts';
import type { ProxyContext, Refused } from './authorise.ts';
import { detach, type ProxyConnection, type Silence, type UnreadableBytes, type Via } from './connections.ts';

/** Refuses what never came to a decision about a destination. */
export async function refuseUndecided(
  context: ProxyContext,
  connection: ProxyConnection,
  facts: Pick<RefusalFacts, 'kind' | 'reason'> &
    Partial<Pick<RefusalFacts, 'method' | 'path' | 'host' | 'port'>>,
  via: Via = connection.via,
): Promise<Refused> {
  const identity = await connection.identity();
  const process = identity.ok ? processOf(identity.value) : identity.error.process;
  const { kind, reason, method = null, path = null } = facts;
  const { host = connection.authority?.host.text ?? null, port = connection.authority?.port ?? null } = facts;
  const subject = { via, host: host ?? '', port: port ?? 0, address: null };
  context.emit(
    decisionDraft({ action: 'deny', reason: REFUSALS[kind].reason, rule: null, ...subject, process }),
  );
  const detail = REFUSALS[kind].meaning;
  const binary = process?.exe ?? null;
  const body = refusalOf({
    kind,
    detail,
    reason,
    rule: null,
    method,
    path,
    host,
    port,
    binary,
    address: null,
  });
  return { kind, body };
}

const OUT_OF_TURN = 'a request that changes the connection came before earlier ones were answered';

/** Ends a connection on which a CONNECT or upgrade follows a request that has no answer yet: what it means is unclear. */
export async function refusePipelined(context: ProxyContext, connection: ProxyConnection): Promise<void> {
  await refuseUndecided(context, connection, { kind: 'malformed_request', reason: OUT_OF_TURN }, 'connect');
  // The earlier answer may be half sent, so there is no place for another one.
  closeAfter(connection.socket, '', context.limits.lingerMs);
}

export async function refusePipelinedRequest(
  context: ProxyContext,
  connection: ProxyConnection,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reason = `more than ${context.limits.pipelined} requests wait on one connection`;
  const { kind, body } = await refuseUndecided(context, connection, { kind: 'too_many_connections', reason });
  refuseRequest(request, response, kind, body, context.limits.lingerMs);
}

/** A connection over the limit. */
export async function refuseSurplus(
  context: ProxyContext,
  connection: ProxyConnection,
  answer: boolean,
  limit: number = context.limits.connections,
): Promise<void> {
  const kind = 'too_many_connections';
  const identity = await connection.identity();
  const process = identity.ok ? processOf(identity.value) : identity.error.process;
  context.emit({
    type: 'denial',
    layer: 'egress',
    action: 'deny',
    reason: REFUSALS[kind].reason,
    rule: null,
    subject: { kind: 'limit', limit: 'proxy_connections', value: limit },
    process,
    count: 1,
  });
  if (!answer) return void connection.socket.destroy();
  const reason = `${limit} connections are open`;
  const nothing = { rule: null, method: null, path: null, host: null, port: null, address: null };
  const binary = process?.exe ?? null;
  const body = refusalOf({ kind, detail: REFUSALS[kind].meaning, reason, binary, ...nothing });
  refuseSocket(connection.socket, kind, body, context.limits.lingerMs);
}

/** Bytes that are no request. What they were is never repeated: they may be anything. */
export async function refuseUnreadable(
  context: ProxyContext,
  connection: ProxyConnection,
  error: NodeJS.ErrnoException & { rawPacket?: Buffer },
): Promise<void> {
  const { socket } = connection;
  detach(connection);
  const kind = kindOfParseError(error);
  // The client went away, in the middle of a request perhaps: nothing was refused.
  if (kind === null || socket.destroyed) return void socket.destroy();
  const unreadable = { kind, reason: `${REFUSALS[kind].meaning} (${error.code})` };
  connection.unreadable = unreadable;
  connection.onUnreadable?.();
  // Earlier requests get their answers first; when the last of them was cut short, its answer says why.
  await connection.turn;
  if (connection.last || socket.destroyed) return;
  const refused = await refuseUndecided(context, connection, unreadable);
  refuseSocket(socket, refused.kind, refused.body, context.limits.lingerMs);
}

function kindOfParseError(
  error: NodeJS.ErrnoException & { rawPacket?: Buffer },
): UnreadableBytes['kind'] | null {
  const { code } = error;
  if (code === 'HPE_INVALID_EOF_STATE' || code?.startsWith('HPE_') !== true) return null;
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 'request_too_large';
  const tls = error.rawPacket?.[0] === 0x16;
  return code === 'HPE_PAUSED_H2_UPGRADE' || tls ? 'unsupported_protocol' : 'malformed_request';
}

export async function endSilence(
  context: ProxyContext,
  connection: ProxyConnection,
  what: Silence,
): Promise<void> {
  detach(connection);
  if (what === 'idle') return void connection.socket.destroy();
  const reason = `the header section was not complete after ${context.limits.headerMs} ms`;
  const { kind, body } = await refuseUndecided(context, connection, { kind: 'request_timeout', reason });
  refuseSocket(connection.socket, kind, body, context.limits.lingerMs);
}
