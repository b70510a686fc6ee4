/** The language of `--inference FILE`: its keys, for the checker and for editors. */
import {
  boolean,
  extension,
  field,
  integer,
  list,
  map,
  object,
  oneOf,
  quantity,
  removed,
  text,
} from '../fields.ts';
import { PROVIDER_ALIASES, PROVIDERS } from './providers.ts';
import { PROTOCOLS, type ProviderKind } from './routes.ts';

/** A file of routes is a page; the bounds keep what a sandbox holds of it small. */
export const ROUTE_LIMITS = { routes: 64, aliases: 64, headers: 32, failover: 8, header: 4096 } as const;

const KINDS = Object.keys(PROVIDERS) as ProviderKind[];
const ALIASES = Object.keys(PROVIDER_ALIASES);
const provider = oneOf<ProviderKind | string>([...KINDS, ...ALIASES], {
  tolerated: ALIASES,
  mistakes: {
    claude: 'anthropic',
    gpt: 'openai',
    azure: 'generic',
    ollama: 'openai',
    bedrock: 'aws-bedrock',
  },
  ignoreCase: true,
});

export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255}$/;
const model = text({ plain: true, maxLength: 256, pattern: MODEL_NAME.source });
const source = text({ plain: true, pattern: '^(env:|file:|fd:)' });

export const ROUTE = object(
  'route',
  'One model of one provider.',
  {
    name: field(
      text({ plain: true, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
      'A name of your choice, which events show.',
      {
        required: true,
      },
    ),
    provider: extension(
      provider,
      'Kind of the provider: how it is authorised and what it speaks. `generic`: a bearer token, the protocols of OpenAI.',
      { default: 'generic' },
    ),
    provider_type: field(provider, 'The same, as OpenShell spells it.'),
    endpoint: field(
      text({ pattern: '^https?://' }),
      'URL before `/chat/completions`, `/messages` and so on. May be left out for openai, anthropic, nvidia and deepinfra.',
    ),
    model: field(model, 'What the provider calls the model: what every request to it says in the end.', {
      required: true,
    }),
    aliases: extension(
      list(model, 0, ROUTE_LIMITS.aliases),
      'What clients may call the model besides. Absent: the route answers for every name that no other route has.',
    ),
    protocols: field(
      list(oneOf(PROTOCOLS), 1, PROTOCOLS.length),
      'What the provider is asked. Absent: what its kind speaks.',
    ),
    credential: extension(
      source,
      'Where the key is: `env:VARIABLE` of the environment of openshell, `file:PATH` (beside this file unless absolute) or `fd:NUMBER`.',
    ),
    api_key_env: field(
      text({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
      'The same as `credential: env:VARIABLE`, as OpenShell spells it.',
    ),
    api_key: removed(
      text({ mayBeEmpty: true, plain: true }),
      'Refused: a secret does not belong into a file of settings.',
    ),
    timeout: extension(
      quantity('duration', 1000),
      'Time for a whole answer; for a streamed one, until it begins.',
      { default: '60s' },
    ),
    headers: extension(
      map(text({ plain: true, maxLength: ROUTE_LIMITS.header }), 'names of headers', ROUTE_LIMITS.headers),
      'Headers that every request gets, whatever the client sent. No secrets: they stand here in the open.',
    ),
    budget: extension(
      object(
        'budget',
        'How much may be used in one sandbox.',
        {
          tokens: extension(
            integer(1, Number.MAX_SAFE_INTEGER),
            'Tokens, those of requests and of answers together.',
            { required: true },
          ),
        },
        { token: 'tokens', max_tokens: 'tokens', limit: 'tokens' },
      ),
      'How much of this route one sandbox may use. A call that begins below the bound is finished.',
    ),
    failover: extension(
      list(text({ plain: true }), 1, ROUTE_LIMITS.failover),
      'Routes that are tried, in this order, when this one is unreachable, answers 429 or 5xx, or has no budget left.',
    ),
    stream_usage: extension(
      boolean,
      'Ask OpenAI-like providers to end streamed answers with their token counts (`stream_options.include_usage`).',
      { default: 'true' },
    ),
  },
  {
    base_url: 'endpoint',
    url: 'endpoint',
    host: 'endpoint',
    type: 'provider',
    kind: 'provider',
    key: 'credential',
    token: 'credential',
    secret: 'credential',
    alias: 'aliases',
    models: 'aliases',
    fallback: 'failover',
    fallbacks: 'failover',
    protocol: 'protocols',
    timeout_secs: 'timeout',
    header: 'headers',
    default_headers: 'headers',
    budgets: 'budget',
  },
);

export const ROUTES = object(
  null,
  'Routes of inference.local: which provider answers which model.',
  {
    version: extension(integer(1, 1), 'Version of this language: 1.', { default: '1' }),
    routes: field(list(ROUTE, 1, ROUTE_LIMITS.routes), 'Where several could answer, the first does.', {
      required: true,
    }),
  },
  { route: 'routes', inference: 'routes', inference_routes: 'routes' },
);
