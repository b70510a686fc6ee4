/** A request of MCP's Streamable HTTP to the calls that it makes, by the rules of the revision that it names. */
import { err, ok, type Result } from '../base/result.ts';
import type { Asked, Call } from '../match/asked.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import type { McpRules } from '../plan/messages.ts';
import type { HeaderValues } from './header-values.ts';
import { isObject, type JsonObject } from './json.ts';
import { type RpcBody, type RpcMessage, readRpcBody } from './json-rpc.ts';
import { hasLookAlike } from './look-alike.ts';
import { checkNamingHeaders } from './mcp-headers.ts';
import { checkMethod, MCP_REVISIONS, type McpRevision, NAMING, STATELESS } from './mcp-methods.ts';
import { problem, type RequestProblem } from './request-problem.ts';

type Options = Pick<McpRules, 'versions' | 'strictToolNames'>;
type Read<T> = Result<T, RequestProblem>;

/** What a request without the header speaks, as the specification has it. */
const WITHOUT_HEADER: McpRevision = '2025-03-26';
const WITH_BATCHES: McpRevision = '2025-03-26';
const STRICT_TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/;
const MAX_TOOL_NAME = 1024;
const NO_PARAMS: JsonObject = new Map();

export function readMcpRequest(
  { method }: RequestFacts,
  headers: HeaderValues,
  body: Uint8Array,
  options: Options,
): Read<Asked> {
  if (method !== 'POST') return withoutBody(method, headers, body, options);
  const read = readRpcBody(headers, body);
  if (!read.ok) return invalid(read.error);
  const revision = revisionOf(read.value, headers, options);
  return revision.ok ? callsOf(read.value, headers, revision.value, options) : revision;
}

const invalid = (detail: string) => problem('mcp_invalid', detail);

/** A GET opens the stream of messages to the client, a DELETE ends the session: neither calls anything. */
function withoutBody(method: string, headers: HeaderValues, body: Uint8Array, options: Options): Read<Asked> {
  if (body.length > 0) return invalid('only a POST carries messages of MCP');
  const revision = allowedRevision(headers, options);
  if (!revision.ok) return revision;
  if (revision.value === STATELESS)
    return problem('mcp_method_not_allowed', `${STATELESS} of MCP has nothing but POST`);
  const accepted = headers('accept').join(',').toLowerCase();
  if (method === 'GET' && accepted.includes('text/event-stream')) return ok({ kind: 'control' });
  if (method === 'DELETE' && headers('mcp-session-id').length === 1) return ok({ kind: 'control' });
  return ok({ kind: 'items', items: [] });
}

function revisionOf(
  { batch, messages }: RpcBody,
  headers: HeaderValues,
  options: Options,
): Read<McpRevision> {
  const [first] = messages;
  if (batch || first?.kind !== 'request' || first.method !== 'initialize')
    return allowedRevision(headers, options);
  // Only here the two sides agree on a revision; what comes after it names the one.
  const named = headers('mcp-protocol-version');
  if (named.length > 1) return unsupported();
  if (named[0] === STATELESS || options.versions.every((version) => version === STATELESS))
    return invalid(`${STATELESS} of MCP has no \`initialize\``);
  const asked = isObject(first.params) ? first.params.get('protocolVersion') : undefined;
  return ok(MCP_REVISIONS.find((one) => one === asked && one !== STATELESS) ?? WITHOUT_HEADER);
}

function allowedRevision(headers: HeaderValues, { versions }: Options): Read<McpRevision> {
  const named = headers('mcp-protocol-version');
  if (named.length > 1) return unsupported();
  const revision = named.length === 0 ? WITHOUT_HEADER : MCP_REVISIONS.find((one) => one === named[0]);
  if (revision === undefined) return unsupported();
  if (versions.includes(revision)) return ok(revision);
  const which =
    named.length === 0 ? `${revision}, which a request without MCP-Protocol-Version speaks,` : revision;
  return problem('mcp_version_not_allowed', `revision ${which} of MCP is not among the endpoint's versions`);
}

const unsupported = () =>
  problem(
    'mcp_version_unsupported',
    'MCP-Protocol-Version is there twice, or names no revision that is known',
  );

function callsOf(
  { batch, messages }: RpcBody,
  headers: HeaderValues,
  revision: McpRevision,
  options: Options,
): Read<Asked> {
  if (batch && revision !== WITH_BATCHES) return invalid(`${revision} of MCP has no batches`);
  const items: Call[] = [];
  for (const message of messages) {
    if (message.kind === 'response') {
      if (revision === STATELESS) return invalid(`in ${revision} of MCP a client has nothing to respond to`);
      continue;
    }
    if (batch && message.method === 'initialize') return invalid('`initialize` cannot be part of a batch');
    const call = readCall(message, revision, options);
    if (!call.ok) return invalid(call.error);
    const params = isObject(message.params) ? message.params : NO_PARAMS;
    const headerProblem = checkNamingHeaders(headers, message.method, params, {
      required: revision === STATELESS,
      batch,
    });
    if (headerProblem !== null) return invalid(headerProblem);
    items.push(call.value);
  }
  return ok(items.length === 0 ? { kind: 'control' } : { kind: 'items', items });
}

function readCall(
  message: Exclude<RpcMessage, { kind: 'response' }>,
  revision: McpRevision,
  { strictToolNames }: Options,
): Result<Call, string> {
  const { method } = message;
  if (message.kind === 'request' && message.id === null) return err('an `id` is null');
  if (message.params !== null && !isObject(message.params)) return err('`params` are no object');
  const params = isObject(message.params) ? message.params : NO_PARAMS;
  if (hasLookAlike(params.keys(), NAMING)) return err('a parameter is named almost like `name` or `uri`');
  const check = checkMethod(method, message.kind, params, revision);
  if (check === 'invalid')
    return err(`the message is not as ${revision} of MCP has it: its method, its id or its parameters`);
  if (revision === STATELESS && message.kind === 'request') {
    const problems = checkMeta(params);
    if (problems !== null) return err(problems);
  }
  const tool = method === 'tools/call' ? (params.get('name') as string) : null;
  if (tool !== null) {
    if (strictToolNames && !STRICT_TOOL_NAME.test(tool)) return err('the name of the tool is no strict one');
    if (tool === '' || tool.length > MAX_TOOL_NAME || /\p{Cc}/u.test(tool))
      return err('the name of the tool is empty, too long, or holds control characters');
  }
  return ok({ kind: 'call', method, tool, core: check === 'core' });
}

const META = [
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientCapabilities',
] as const;

/** Without a handshake each request says what the header says, and what the client can do. */
function checkMeta(params: JsonObject): string | null {
  const meta = params.get('_meta');
  if (!isObject(meta) || !isObject(meta.get(META[1]))) return 'a request has no `_meta` of its revision';
  return meta.get(META[0]) === STATELESS ? null : 'the revision in `_meta` is not the one of the header';
}
