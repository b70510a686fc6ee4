import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { err, ok } from '../../src/base/result.ts';
import { Injector } from '../../src/inject/injector.ts';
import { issuePlaceholders } from '../../src/inject/placeholder.ts';
import { CREDENTIAL_LIMITS, type TokenGrant } from '../../src/inject/provider.ts';
import { tokenEndpoint } from '../../src/inject/token-endpoint.ts';
import { GrantedTokens, type Post } from '../../src/inject/token-grant.ts';
import { CREDENTIAL, request } from './pretended.ts';

const CLIENT: TokenGrant = {
  strategy: 'oauth2-client-credentials',
  tokenUrl: 'https://login.test/token',
  clientId: 'client & id',
  clientSecret: 'client-secret-77',
  refreshToken: null,
  scopes: ['a', 'b'],
  audience: null,
};
const REFRESH: TokenGrant = {
  ...CLIENT,
  strategy: 'oauth2-refresh-token',
  clientSecret: null,
  refreshToken: 'refresh-token-1',
  scopes: [],
};

/** A token endpoint that answers from a list, and remembers the forms. */
function endpoint(...answers: (string | { status: number; body: string } | null)[]): {
  post: Post;
  forms: string[];
  time: { ms: number };
  now: () => number;
} {
  const forms: string[] = [];
  const time = { ms: 0 };
  const post: Post = async (_url, form) => {
    forms.push(form);
    const answer = answers.shift() ?? null;
    if (answer === null) return err('it is away');
    return ok(typeof answer === 'string' ? { status: 200, body: answer } : answer);
  };
  return { post, forms, time, now: () => time.ms };
}
const token = (value: string, more: object = {}): string =>
  JSON.stringify({ access_token: value, token_type: 'Bearer', ...more });

describe('tokens', () => {
  it('are asked for once, and again shortly before they end', async () => {
    const at = endpoint(token('token-one', { expires_in: 100 }), token('token-two', { expires_in: '100' }));
    const tokens = new GrantedTokens(CLIENT, at.post, at.now);
    const first = await Promise.all([tokens.current(), tokens.current(), tokens.current()]);
    expect(first).toEqual([ok('token-one'), ok('token-one'), ok('token-one')]);
    at.time.ms = 69_999;
    expect(await tokens.current()).toEqual(ok('token-one'));
    at.time.ms = 70_000;
    expect(await tokens.current()).toEqual(ok('token-two'));
    expect(at.forms).toHaveLength(2);
    expect(Object.fromEntries(new URLSearchParams(at.forms[0]))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'client & id',
      client_secret: 'client-secret-77',
      scope: 'a b',
    });
  });

  it('are not kept for longer than an hour, and at least for a second', async () => {
    const at = endpoint(
      token('token-one', { expires_in: 1e9 }),
      token('token-two', { expires_in: 1 }),
      token('token-three'),
    );
    const tokens = new GrantedTokens(CLIENT, at.post, at.now);
    await tokens.current();
    at.time.ms += (CREDENTIAL_LIMITS.tokenLongestSeconds - CREDENTIAL_LIMITS.tokenMarginSeconds) * 1000;
    expect(await tokens.current()).toEqual(ok('token-two'));
    at.time.ms += 999;
    expect(await tokens.current()).toEqual(ok('token-two'));
    at.time.ms += 1;
    expect(await tokens.current()).toEqual(ok('token-three'));
  });

  it('are refreshed with the refresh token that came last', async () => {
    const at = endpoint(token('token-one', { refresh_token: 'refresh-token-2' }), token('token-two'));
    const tokens = new GrantedTokens(REFRESH, at.post, at.now);
    await tokens.current();
    expect(tokens.secrets()).toEqual(['token-one', 'refresh-token-1', 'refresh-token-2']);
    at.time.ms = 1e9;
    await tokens.current();
    expect(at.forms.map((form) => new URLSearchParams(form).get('refresh_token'))).toEqual([
      'refresh-token-1',
      'refresh-token-2',
    ]);
    expect(tokens.secrets()).toEqual(['token-two', 'token-one', 'refresh-token-1', 'refresh-token-2']);
    expect(tokens.generation).toBe(2);
  });

  it.each([
    ['a failure', null, 'it is away'],
    [
      'an error',
      { status: 400, body: '{"error": "invalid_grant", "error_description": "client-secret-77"}' },
      'answered 400 (invalid_grant)',
    ],
    ['an error of its own', { status: 500, body: '{"error": "client-secret-77"}' }, 'answered 500'],
    ['a redirect', { status: 302, body: '' }, 'answered 302'],
    ['no JSON', 'hello', 'no token'],
    ['no token', '{}', 'no token'],
    ['another kind of token', token('token-one', { token_type: 'mac' }), 'no token'],
    ['a token that is no token', token('token one\r\nX: y'), 'no token'],
    ['a short token', token('abc'), 'too short'],
  ])('fail without a secret in what is said: %s', async (_, answer, said) => {
    const at = endpoint(answer);
    const result = await new GrantedTokens(CLIENT, at.post, at.now).current();
    expect(result.ok ? '' : result.error).toContain(said);
    expect(JSON.stringify(result)).not.toContain('client-secret');
  });

  it('are asked for again after a failure', async () => {
    const at = endpoint(null, token('token-one'));
    const tokens = new GrantedTokens(CLIENT, at.post, at.now);
    expect((await tokens.current()).ok).toBe(false);
    expect(await tokens.current()).toEqual(ok('token-one'));
  });

  it('stand where the placeholder stood, and are masked', async () => {
    const at = endpoint(token('token-one'), token('token-two'), null);
    const tokens = new GrantedTokens(CLIENT, at.post, at.now);
    const providers = [
      { name: 'one', values: [{ variable: 'T', source: { kind: 'granted', tokens } as const }] },
    ];
    const placeholders = issuePlaceholders(providers, () => '0'.repeat(64));
    const [placeholder] = placeholders.keys();
    const injector = new Injector(providers, placeholders, () => Promise.reject(new Error('not here')));
    const headers = ['Authorization', `Bearer ${placeholder}`];
    const first = await injector.prepare(request({ headers }));
    if (!first.ok) throw new Error(first.error.detail);
    expect(first.value.headers).toEqual(['Authorization', 'Bearer token-one']);
    expect(first.value.mask?.text('token-one client-secret-77')).toBe(`${placeholder} ${placeholder}`);
    at.time.ms = 1e9;
    const second = await injector.prepare(request({ headers }));
    if (!second.ok) throw new Error(second.error.detail);
    expect(second.value.mask?.text('token-one token-two')).toBe(`${placeholder} ${placeholder}`);
    at.time.ms = 2e9;
    const third = await injector.prepare(request({ headers }));
    expect(third.ok ? '' : third.error.kind).toBe('credential_token_failed');
    expect((await injector.prepare(request({ credential: CREDENTIAL }))).ok).toBe(true);
  });
});

describe('a token endpoint', () => {
  let server: Server;
  let url = '';
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/large') response.end(Buffer.alloc(CREDENTIAL_LIMITS.tokenAnswerBytes + 1));
      else if (request.url === '/gone') response.destroy();
      else request.pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());
  const post = tokenEndpoint([]);

  it('gets a form', async () => {
    expect(await post(`${url}/x`, 'a=b')).toEqual(ok({ status: 200, body: 'a=b' }));
  });

  it.each(['/large', '/gone'])('may fail: %s', async (path) => {
    const result = await post(url + path, 'secret=1');
    expect(result.ok ? '' : result.error).toMatch(/^the token endpoint/);
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  it('is verified', async () => {
    const result = await post(url.replace('http:', 'https:'), 'a=b');
    expect(result.ok ? '' : result.error).toContain('could not be reached');
  });
});
