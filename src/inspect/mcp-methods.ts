/** Core methods that a client sends, by revision of MCP, and what their parameters must hold. */
import { isObject, type JsonObject, type JsonValue } from './json.ts';

/** In order: each adds to the protocol of the one before, or takes from it. */
export const MCP_REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;
export type McpRevision = (typeof MCP_REVISIONS)[number];
/** Without handshake and sessions: every request says all. */
export const STATELESS: McpRevision = '2026-07-28';

type Shape = Readonly<Record<string, (value: JsonValue | undefined) => boolean>>;

const text = (value: JsonValue | undefined): boolean => typeof value === 'string';
const number = (value: JsonValue | undefined): boolean => typeof value === 'number';
const object = (value: JsonValue | undefined): boolean => isObject(value);
const token = (value: JsonValue | undefined): boolean => text(value) || number(value);
const maybe =
  (is: (value: JsonValue | undefined) => boolean) =>
  (value: JsonValue | undefined): boolean =>
    value === undefined || is(value);

const PAGE: Shape = { cursor: maybe(text) };
const URI: Shape = { uri: text };
const TASK: Shape = { taskId: text };

interface Method {
  readonly kind: 'request' | 'notification';
  readonly params: Shape;
  readonly from: McpRevision;
  /** The first revision without it. */
  readonly until: McpRevision | null;
}

const request = (params: Shape, until: Method['until'] = null, from: McpRevision = '2025-03-26'): Method => ({
  kind: 'request',
  params,
  from,
  until,
});
const notification = (
  params: Shape,
  until: Method['until'] = STATELESS,
  from: McpRevision = '2025-03-26',
): Method => ({ kind: 'notification', params, from, until });

const METHODS: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    initialize: request({ protocolVersion: text, capabilities: object, clientInfo: object }, STATELESS),
    ping: request({}, STATELESS),
    'tools/list': request(PAGE),
    'tools/call': request({ name: text, arguments: maybe(object) }),
    'resources/list': request(PAGE),
    'resources/templates/list': request(PAGE),
    'resources/read': request(URI),
    'resources/subscribe': request(URI, STATELESS),
    'resources/unsubscribe': request(URI, STATELESS),
    'prompts/list': request(PAGE),
    'prompts/get': request({ name: text, arguments: maybe(object) }),
    'completion/complete': request({ ref: object, argument: object }),
    'logging/setLevel': request({ level: text }, STATELESS),
    'tasks/get': request(TASK, STATELESS, '2025-11-25'),
    'tasks/result': request(TASK, STATELESS, '2025-11-25'),
    'tasks/cancel': request(TASK, STATELESS, '2025-11-25'),
    'tasks/list': request(PAGE, STATELESS, '2025-11-25'),
    'server/discover': request({}, null, STATELESS),
    'subscriptions/listen': request({}, null, STATELESS),
    'notifications/initialized': notification({}),
    'notifications/cancelled': notification({ requestId: maybe(token) }),
    'notifications/progress': notification({ progressToken: token, progress: number }),
    'notifications/roots/list_changed': notification({}),
    'notifications/tasks/status': notification({ taskId: text }, STATELESS, '2025-11-25'),
  }),
);

/** Parameters by which rules or headers name what is meant; nothing else may be taken for them. */
export const NAMING = ['name', 'uri'];

export type MethodCheck = 'core' | 'extension' | 'invalid';

/** `extension`: no revision has it, so only a rule that names it in full allows it. */
export function checkMethod(
  method: string,
  kind: 'request' | 'notification',
  params: JsonObject,
  revision: McpRevision,
): MethodCheck {
  const known = METHODS.get(method);
  if (known === undefined) return 'extension';
  const at = MCP_REVISIONS.indexOf(revision);
  const ended = known.until !== null && at >= MCP_REVISIONS.indexOf(known.until);
  if (ended || at < MCP_REVISIONS.indexOf(known.from) || known.kind !== kind) return 'invalid';
  return Object.entries(known.params).every(([name, is]) => is(params.get(name))) ? 'core' : 'invalid';
}
