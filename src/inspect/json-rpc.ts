/** Messages of JSON-RPC 2.0 in a body: requests, notifications and responses, alone or in an array. */
import { err, ok, type Result } from '../base/result.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type { Asked } from '../match/asked.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import { bodyType } from './body-type.ts';
import type { HeaderValues } from './header-values.ts';
import { isArray, isObject, type JsonObject, type JsonValue, parseJson } from './json.ts';
import { hasLookAlike } from './look-alike.ts';
import { problem, type RequestProblem } from './request-problem.ts';

export type RpcId = string | number | null;

export type RpcMessage =
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string; readonly params: JsonValue }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonValue }
  | { readonly kind: 'response' };

export interface RpcBody {
  readonly batch: boolean;
  /** Not empty. */
  readonly messages: readonly RpcMessage[];
}

export const MAX_BATCH = 64;

const MEMBERS = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
const MAX_METHOD = 256;

export function readJsonRpcRequest(
  { method }: RequestFacts,
  headers: HeaderValues,
  body: Uint8Array,
): Result<Asked, RequestProblem> {
  if (method !== 'POST') {
    if (body.length > 0) return invalid('only a POST carries JSON-RPC');
    return ok({ kind: 'items', items: [] });
  }
  const read = readRpcBody(headers, body);
  if (!read.ok) return invalid(read.error);
  const items = read.value.messages.flatMap((message) =>
    message.kind === 'response'
      ? []
      : [{ kind: 'call' as const, method: message.method, tool: null, core: false }],
  );
  if (items.length < read.value.messages.length) return invalid('a client has nothing to respond to');
  return ok({ kind: 'items', items });
}

const invalid = (detail: string) => problem('json_rpc_invalid', detail);

/** Errors are clauses that repeat nothing of what came. */
export function readRpcBody(headers: HeaderValues, body: Uint8Array): Result<RpcBody, string> {
  const type = bodyType(headers);
  if (!type.ok) return type;
  if (type.value !== 'application/json' && type.value !== 'application/json-rpc')
    return err('the Content-Type is not `application/json`');
  const text = decodeUtf8(body);
  if (text === null) return err('the body is no UTF-8');
  const parsed = parseJson(text);
  if (!parsed.ok) return err(`the JSON ${parsed.error}`);
  const batch = isArray(parsed.value);
  const values = batch ? (parsed.value as readonly JsonValue[]) : [parsed.value];
  if (values.length === 0) return err('the batch is empty');
  if (values.length > MAX_BATCH) return err(`the batch has more than ${MAX_BATCH} messages`);
  const messages: RpcMessage[] = [];
  for (const value of values) {
    const message = readMessage(value);
    if (!message.ok) return message;
    messages.push(message.value);
  }
  return ok({ batch, messages });
}

function readMessage(value: JsonValue): Result<RpcMessage, string> {
  if (!isObject(value)) return err('a message is no object');
  if (value.get('jsonrpc') !== '2.0') return err('a message has no `jsonrpc: "2.0"`');
  if (hasLookAlike(value.keys(), MEMBERS))
    return err('a member of a message is named almost like one of JSON-RPC');
  const answers = value.has('result') || value.has('error');
  if (!value.has('method')) return answers ? readResponse(value) : err('a message has no `method`');
  if (answers) return err('a message has both a `method` and a `result` or `error`');
  const method = value.get('method');
  if (typeof method !== 'string' || method === '') return err('a `method` is no text');
  if (method.length > MAX_METHOD || /\p{C}/u.test(method))
    return err('a `method` is too long or holds control characters');
  const params = value.get('params') ?? null;
  if (params !== null && !isObject(params) && !isArray(params))
    return err('`params` are neither an object nor an array');
  if (!value.has('id')) return ok({ kind: 'notification', method, params });
  const id = value.get('id')!;
  if (!isId(id)) return err('an `id` is neither a text nor a number');
  return ok({ kind: 'request', id, method, params });
}

function readResponse(message: JsonObject): Result<RpcMessage, string> {
  if (message.has('result') && message.has('error'))
    return err('a response has both a `result` and an `error`');
  if (!message.has('id') || !isId(message.get('id')!)) return err('a response has no `id`');
  if (message.has('error') && !isObject(message.get('error'))) return err('an `error` is no object');
  return ok({ kind: 'response' });
}

const isId = (value: JsonValue): value is RpcId =>
  value === null || typeof value === 'string' || typeof value === 'number';
