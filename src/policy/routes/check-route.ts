/** One route: what only a look at several of its values together can tell. */
import type { SecretPlace } from '../../base/secret-place.ts';
import { onOneLine } from '../../base/source.ts';
import type { Read } from '../fields.ts';
import { alternatives, type Issues, quoted } from '../issues.ts';
import { parseCredentialSource } from './credential-source.ts';
import { isLoopback, parseEndpointUrl } from './endpoint-url.ts';
import { checkHeaders } from './headers.ts';
import { PROVIDER_ALIASES, PROVIDERS } from './providers.ts';
import type { InferenceProtocol, InferenceRoute, ProviderKind, RouteEndpoint } from './routes.ts';
import { MODEL_NAME, type ROUTE } from './schema.ts';

type RouteRead = Read<typeof ROUTE>;
type Fields = RouteRead['value']['fields'];

const ROUTE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const DEFAULT_TIMEOUT_MS = 60_000;
const WHERE =
  'Write `credential: env:VARIABLE`, `file:PATH` or `fd:NUMBER`; openshell reads the secret when it starts, and nothing inside the sandbox can.';

/** Null when something that the rest depends on is wrong; it was reported. */
export function checkRoute(read: RouteRead, issues: Issues): InferenceRoute | null {
  const { fields, keys } = read.value;
  const provider = providerOf(read, issues);
  const credential = credentialOf(read, issues);
  const endpoint = endpointOf(read, provider, issues);
  if (endpoint !== null && credential !== null) checkCleartext(read, endpoint, issues);
  if (fields.endpoint === undefined && !hasCredential(read) && PROVIDERS[provider].endpoint !== null)
    issues.report('missing_key', read, `${provider} needs a credential`, WHERE);
  const protocols = protocolsOf(fields, provider, issues);
  for (const name of [fields.model, ...(fields.aliases?.value ?? [])]) {
    if (name !== undefined && !MODEL_NAME.test(name.value))
      issues.report('invalid_name', name, `${quoted(name.value)} is no name of a model`);
  }
  const { name, model } = fields;
  if (name !== undefined && !ROUTE_NAME.test(name.value))
    issues.report(
      'invalid_name',
      name,
      `${quoted(name.value)} is no name of a route`,
      'Use letters, digits, `.`, `_` and `-`.',
    );
  const headers = checkHeaders(fields.headers, issues);
  if (name === undefined || model === undefined || endpoint === null) return null;
  return {
    name: name.value,
    span: read.span,
    provider,
    endpoint,
    model: model.value,
    // A list that could not be read is not one that is absent.
    aliases: keys.has('aliases') ? (fields.aliases?.value ?? []).map(({ value }) => value) : null,
    protocols,
    credential,
    timeoutMs: fields.timeout?.value ?? DEFAULT_TIMEOUT_MS,
    headers,
    budgetTokens: fields.budget?.value.fields.tokens?.value ?? null,
    failover: (fields.failover?.value ?? []).map(({ value }) => value),
    streamUsage: fields.stream_usage?.value ?? true,
  };
}

function providerOf({ value: { fields } }: RouteRead, issues: Issues): ProviderKind {
  const { provider, provider_type: type } = fields;
  const kindOf = (word: string): ProviderKind =>
    Object.hasOwn(PROVIDER_ALIASES, word) ? PROVIDER_ALIASES[word]! : (word as ProviderKind);
  if (provider !== undefined && type !== undefined && kindOf(provider.value) !== kindOf(type.value))
    issues.report(
      'exclusive_keys',
      type,
      '`provider` and `provider_type` say different things',
      'Remove one of them.',
    );
  return kindOf(provider?.value ?? type?.value ?? 'generic');
}

const hasCredential = ({ value: { keys } }: RouteRead): boolean =>
  ['credential', 'api_key_env', 'api_key'].some((key) => keys.has(key));

function credentialOf({ value: { fields, keys }, path }: RouteRead, issues: Issues): SecretPlace | null {
  // The places of these complaints are the keys: a value may be the secret itself.
  const literal = keys.get('api_key');
  if (literal !== undefined && fields.api_key !== undefined)
    issues.report(
      'literal_secret',
      { span: literal, path: `${path}.api_key` },
      'a key is written down here',
      WHERE,
    );
  const { credential, api_key_env: variable } = fields;
  if (credential !== undefined && variable !== undefined)
    issues.report(
      'exclusive_keys',
      variable,
      '`credential` and `api_key_env` are both set',
      'Remove one of them.',
    );
  const text = credential?.value ?? (variable === undefined ? null : `env:${variable.value}`);
  if (text === null) return null;
  const key = credential === undefined ? 'api_key_env' : 'credential';
  const source = parseCredentialSource(text);
  if (source.ok) return source.value;
  const place = { span: keys.get(key)!, path: `${path}.${key}` };
  const code = /^(env|file|fd):/.test(text) ? 'invalid_credential' : 'literal_secret';
  issues.report(code, place, source.error, WHERE);
  return null;
}

function endpointOf(read: RouteRead, provider: ProviderKind, issues: Issues): RouteEndpoint | null {
  const { endpoint } = read.value.fields;
  const text = endpoint?.value ?? PROVIDERS[provider].endpoint;
  if (text === null) {
    if (!read.value.keys.has('endpoint'))
      issues.report(
        'missing_key',
        read,
        `${provider} has no URL that is always the same: \`endpoint\` is missing`,
        'Write `endpoint: https://…`.',
      );
    return null;
  }
  const parsed = parseEndpointUrl(text);
  if (parsed.ok) return parsed.value;
  issues.report('invalid_endpoint', endpoint ?? read, parsed.error.message, parsed.error.hint);
  return null;
}

function checkCleartext({ value: { fields } }: RouteRead, endpoint: RouteEndpoint, issues: Issues): void {
  if (endpoint.scheme === 'https' || isLoopback(endpoint) || fields.endpoint === undefined) return;
  issues.report(
    'cleartext_credential',
    fields.endpoint,
    `the credential would go to ${onOneLine(endpoint.host)} without TLS`,
    'Write `https://`; `http://` is for servers on this machine, and for those that need no credential.',
  );
}

/** What a provider of the kind speaks at all; Vertex AI serves both shapes, each at an endpoint of its own. */
function protocolsOf(
  { protocols }: Fields,
  provider: ProviderKind,
  issues: Issues,
): readonly InferenceProtocol[] {
  const usual = PROVIDERS[provider].protocols;
  if (protocols === undefined) return usual;
  const known: readonly InferenceProtocol[] =
    provider === 'google-vertex-ai' || provider === 'generic' || provider === 'openai'
      ? [...usual, 'anthropic_messages']
      : usual;
  const seen = new Set<InferenceProtocol>();
  for (const read of protocols.value) {
    if (seen.has(read.value))
      issues.report('repeated_value', read, `${quoted(read.value)} stands here twice`);
    if (!known.includes(read.value))
      issues.report(
        'protocol_not_spoken',
        read,
        `${provider} does not speak ${quoted(read.value)}`,
        `It speaks ${alternatives(known, 'and')}.`,
      );
    seen.add(read.value);
  }
  return [...seen];
}
