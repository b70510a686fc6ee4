import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRoutes } from '../../../src/policy/routes/check.ts';

const route = (lines: string): string =>
  `routes:\n  - name: one\n    model: m\n${lines.replace(/^/gm, '    ')}\n`;
const codes = (text: string): string[] => parseRoutes(text).issues.map(({ code }) => code);
const only = (text: string) => {
  const { routes, issues } = parseRoutes(text);
  expect(issues).toEqual([]);
  return routes!.routes[0]!;
};

describe('a file of routes', () => {
  it('holds several providers with aliases, budgets and failover', () => {
    const { routes, issues } = parseRoutes(`
version: 1
routes:
  - name: sonnet
    provider: anthropic
    model: claude-sonnet-4-5
    aliases: [sonnet, default]
    credential: env:ANTHROPIC_API_KEY
    timeout: 2m
    headers: {anthropic-beta: fine-grained-tool-streaming-2025-05-14}
    budget: {tokens: 500000}
    failover: [spare]
  - name: spare
    provider: anthropic
    endpoint: https://spare.example:8443/anthropic/v1/
    model: claude-haiku-4-5
    aliases: []
    credential: file:keys/spare
  - name: local
    endpoint: http://localhost:11434/v1
    model: qwen3
`);
    expect(issues).toEqual([]);
    expect(routes!.routes.map(({ span: _, ...rest }) => rest)).toEqual([
      {
        name: 'sonnet',
        provider: 'anthropic',
        endpoint: { scheme: 'https', host: 'api.anthropic.com', port: 443, path: '/v1' },
        model: 'claude-sonnet-4-5',
        aliases: ['sonnet', 'default'],
        protocols: ['anthropic_messages', 'model_discovery'],
        credential: { kind: 'env', name: 'ANTHROPIC_API_KEY' },
        timeoutMs: 120_000,
        headers: [['anthropic-beta', 'fine-grained-tool-streaming-2025-05-14']],
        budgetTokens: 500_000,
        failover: ['spare'],
        streamUsage: true,
      },
      {
        name: 'spare',
        provider: 'anthropic',
        endpoint: { scheme: 'https', host: 'spare.example', port: 8443, path: '/anthropic/v1' },
        model: 'claude-haiku-4-5',
        aliases: [],
        protocols: ['anthropic_messages', 'model_discovery'],
        credential: { kind: 'file', path: 'keys/spare' },
        timeoutMs: 60_000,
        headers: [],
        budgetTokens: null,
        failover: [],
        streamUsage: true,
      },
      {
        name: 'local',
        provider: 'generic',
        endpoint: { scheme: 'http', host: 'localhost', port: 11434, path: '/v1' },
        model: 'qwen3',
        aliases: null,
        protocols: [
          'openai_chat_completions',
          'openai_completions',
          'openai_responses',
          'openai_embeddings',
          'model_discovery',
        ],
        credential: null,
        timeoutMs: 60_000,
        headers: [],
        budgetTokens: null,
        failover: [],
        streamUsage: true,
      },
    ]);
  });

  it('may be one that OpenShell reads', () => {
    const text = route(
      'endpoint: https://integrate.api.nvidia.com/v1\nprovider_type: nvidia\nprotocols: [openai_chat_completions]\napi_key_env: NVIDIA_API_KEY',
    );
    expect(only(text)).toMatchObject({
      provider: 'nvidia',
      protocols: ['openai_chat_completions'],
      credential: { kind: 'env', name: 'NVIDIA_API_KEY' },
      aliases: null,
    });
  });

  it('knows the other names of Vertex AI', () => {
    expect(
      only(route('provider: vertex-ai\nendpoint: https://v.example/v1\ncredential: env:T')).provider,
    ).toBe('google-vertex-ai');
  });

  it.each([
    ['a key that is not known', 'endpoint: https://a.test\nbogus: 1', 'unknown_key'],
    ['a literal key', 'provider: openai\napi_key: sk-abcdefghijklmnop1234', 'literal_secret'],
    ['an empty literal key', 'provider: openai\napi_key: ""', 'literal_secret'],
    [
      'a secret in place of a source',
      'provider: openai\ncredential: sk-abcdefghijklmnop1234',
      'literal_secret',
    ],
    ['a variable that is none', 'provider: openai\ncredential: env:A-B', 'invalid_credential'],
    ['a descriptor of a standard stream', 'provider: openai\ncredential: fd:0', 'invalid_credential'],
    ['no path', 'provider: openai\ncredential: "file:"', 'invalid_credential'],
    ['two places of a key', 'provider: openai\ncredential: env:A\napi_key_env: B', 'exclusive_keys'],
    ['two kinds', 'provider: openai\nprovider_type: nvidia\ncredential: env:A', 'exclusive_keys'],
    ['no key for the provider’s own server', 'provider: openai', 'missing_key'],
    ['no URL', 'provider: aws-bedrock', 'missing_key'],
    ['a key over cleartext', 'endpoint: http://a.test/v1\ncredential: env:A', 'cleartext_credential'],
    ['a user in the URL', 'endpoint: https://a:b@a.test/v1', 'invalid_endpoint'],
    ['a query in the URL', 'endpoint: https://a.test/v1?k=v', 'invalid_endpoint'],
    ['another scheme', 'endpoint: ftp://a.test/v1', 'invalid_endpoint'],
    ['a pattern as host', 'endpoint: https://*.a.test/v1', 'invalid_endpoint'],
    ['dots in the URL', 'endpoint: https://a.test/v1/../x', 'invalid_endpoint'],
    ['escapes in the URL', 'endpoint: https://a.test/v%31', 'invalid_endpoint'],
    ['an unusual address', 'endpoint: https://127.1/v1', 'invalid_endpoint'],
    ['port 0', 'endpoint: https://a.test:0/v1', 'invalid_endpoint'],
    ['Authorization', 'endpoint: https://a.test\nheaders: {Authorization: Bearer x}', 'literal_secret'],
    ['X-Api-Key', 'endpoint: https://a.test\nheaders: {X-Api-Key: x}', 'literal_secret'],
    ['Host', 'endpoint: https://a.test\nheaders: {Host: b.test}', 'invalid_header'],
    ['a blank in a header’s name', 'endpoint: https://a.test\nheaders: {"a b": c}', 'invalid_header'],
    ['one header twice', 'endpoint: https://a.test\nheaders: {X-A: b, x-a: c}', 'duplicate_entry'],
    [
      'a foreign protocol',
      'provider: anthropic\ncredential: env:A\nprotocols: [openai_responses]',
      'protocol_not_spoken',
    ],
    ['a model that is no name', 'endpoint: https://a.test\naliases: ["a b"]', 'invalid_name'],
    ['an unknown failover', 'endpoint: https://a.test\nfailover: [two]', 'unknown_route'],
    ['itself as failover', 'endpoint: https://a.test\nfailover: [one]', 'unknown_route'],
    ['a budget of nothing', 'endpoint: https://a.test\nbudget: {tokens: 0}', 'out_of_range'],
  ])('is refused for %s', (_, lines, code) => {
    const { routes, issues } = parseRoutes(route(lines));
    expect(routes).toBeNull();
    expect(issues.map((issue) => issue.code)).toContain(code);
    expect(JSON.stringify(issues)).not.toContain('sk-');
  });

  it('is refused when two routes answer for one name in one protocol', () => {
    const two = (second: string): string =>
      `routes:\n  - {name: a, endpoint: "https://a.test", model: m, aliases: [x]}\n  - {name: b, endpoint: "https://b.test", model: n, ${second}}\n`;
    expect(codes(two('aliases: [x]'))).toEqual(['ambiguous_model']);
    expect(codes(two('aliases: [m]'))).toEqual(['ambiguous_model']);
    expect(codes(two('aliases: [x], protocols: [anthropic_messages]'))).toEqual([]);
    expect(codes(two('aliases: [y]'))).toEqual([]);
  });

  it('may name one model in two routes: the first answers, the other stands in', () => {
    expect(
      codes(
        'routes:\n  - {name: a, endpoint: "https://a.test", model: m, failover: [b]}\n  - {name: b, endpoint: "https://b.test", model: m}\n',
      ),
    ).toEqual([]);
  });

  it('is refused when two routes have one name', () => {
    expect(
      codes(
        'routes:\n  - {name: a, endpoint: "https://a.test", model: m}\n  - {name: a, endpoint: "https://b.test", model: n}\n',
      ),
    ).toEqual(['duplicate_entry']);
  });

  it.each([
    ['', 'yaml_empty'],
    ['routes: []', 'empty_value'],
    ['route: []', 'unknown_key'],
    ['- a', 'wrong_type'],
    ['routes: {a: b}', 'wrong_type'],
  ])('is refused: %j', (text, code) => {
    expect(codes(text)).toContain(code);
  });

  it('says which document is empty', () => {
    expect(parseRoutes('').issues[0]).toMatchObject({
      message: 'the file of routes is empty',
      hint: 'A file of routes begins with `routes:`.',
    });
  });

  it('never throws', () => {
    const words = fc.constantFrom(
      'routes:',
      '\n',
      '  - ',
      'name: a',
      'model: m',
      'endpoint: https://a.test',
      'api_key: x',
      'credential: ',
      'env:A',
      'headers: {',
      '}',
      '[',
      ']',
      'failover: [a]',
      'budget: {tokens: 1}',
      '    ',
      '&a ',
      '*a ',
      '"',
      "'",
      '|',
      '\t',
      '\0',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((parts) => parts.join('')),
        ),
        (text) => {
          const { routes, issues } = parseRoutes(text);
          expect(routes === null).toBe(issues.some(({ severity }) => severity === 'error'));
        },
      ),
      { numRuns: 500 },
    );
  });
});
