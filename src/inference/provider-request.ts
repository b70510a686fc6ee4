/** A call as a provider gets it: its path, its headers, its body. */
import { PROVIDERS } from '../policy/routes/providers.ts';
import type { InferenceRoute } from '../policy/routes/routes.ts';
import { type CallBody, changedBody, usageAsked } from './call-body.ts';
import type { CallHead } from './read-call.ts';

/** A call that was read and matched. */
export interface Call extends CallHead {
  readonly body: CallBody;
}

export interface ProviderRequest {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Whether the client did not ask for the counts that a streamed answer now ends with. */
  readonly addedUsage: boolean;
}

/** Of clients, for every provider. Codings of the answer are between us and the provider. */
const PASSED: readonly string[] = ['accept', 'user-agent'];
const USAGE_AT_END: readonly string[] = ['openai_chat_completions', 'openai_completions'];
const VERTEX_VERSION = '"vertex-2023-10-16"';

/** @param secret null: the route has no credential */
export function providerRequest(call: Call, route: InferenceRoute, secret: string | null): ProviderRequest {
  const { pattern, body } = call;
  const raw = isRawPredict(call, route);
  const usage =
    route.streamUsage && body.streamed && USAGE_AT_END.includes(pattern.protocol) ? usageAsked(body) : null;
  return {
    path: pathAt(call, route),
    headers: headersFor(call, route, secret),
    body: raw ? rawPredictBody(body) : bodyFor(call, route, usage),
    addedUsage: usage !== null,
  };
}

function bodyFor({ pattern, body }: Call, route: InferenceRoute, usage: string | null): Buffer {
  if (pattern.protocol === 'aws_bedrock_invoke') return body.bytes;
  const changes = new Map([['model', JSON.stringify(route.model)]]);
  if (usage !== null) changes.set('stream_options', usage);
  return changedBody(body, changes);
}

/** Vertex AI has the models of Anthropic below a path of their own, which names the model. */
const isRawPredict = ({ pattern }: Call, { provider }: InferenceRoute): boolean =>
  provider === 'google-vertex-ai' && pattern.protocol === 'anthropic_messages';

function rawPredictBody(body: CallBody): Buffer {
  const changes = new Map<string, string | null>([
    ['model', null],
    ['context_management', null],
  ]);
  if (!body.members.has('anthropic_version')) changes.set('anthropic_version', VERTEX_VERSION);
  return changedBody(body, changes);
}

function pathAt(call: Call, route: InferenceRoute): string {
  const base = route.endpoint.path;
  const model = encodeURIComponent(route.model);
  if (isRawPredict(call, route))
    return `${base}/${model}:${call.body.streamed ? 'streamRawPredict' : 'rawPredict'}`;
  if (call.pattern.protocol === 'aws_bedrock_invoke') return `${base}/model/${model}/invoke${call.query}`;
  // A base that says a version stands for the one that clients write.
  const versioned = /\/v\d+(?:\/|$)/.test(base);
  return base + (versioned ? call.path.slice('/v1'.length) : call.path) + call.query;
}

function headersFor({ headers: given }: Call, route: InferenceRoute, secret: string | null): string[] {
  const { authorisation, defaultHeaders, passed } = PROVIDERS[route.provider];
  const headers = new Map<string, string>([['content-type', 'application/json']]);
  for (const [name, value] of defaultHeaders) headers.set(name, value);
  for (const name of [...PASSED, ...passed]) {
    const value = given.get(name);
    if (value !== undefined) headers.set(name, value);
  }
  for (const [name, value] of route.headers) headers.set(name, value);
  headers.set('accept-encoding', 'identity');
  if (secret !== null && authorisation === 'bearer') headers.set('authorization', `Bearer ${secret}`);
  else if (secret !== null) headers.set(authorisation, secret);
  return [...headers].flat();
}

const RETURNED: ReadonlySet<string> = new Set([
  'content-type',
  'openai-model',
  'openai-processing-ms',
  'openai-version',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-request-id',
  'x-should-retry',
]);
const RETURNED_FAMILY = /^(?:anthropic|x)-ratelimit-[a-z-]{1,64}$/;

/** The headers of an answer that clients get; organisations, cookies and the like are the operator's. */
export function returnedHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Map<string, string> {
  const returned = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (typeof value === 'string' && (RETURNED.has(lower) || RETURNED_FAMILY.test(lower)))
      returned.set(lower, value);
  }
  return returned;
}
