import { generateKeyPairSync, verify } from 'node:crypto';
import { expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { readGrant } from '../../src/inject/token-document.ts';
import { GrantedTokens } from '../../src/inject/token-grant.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ACCOUNT = {
  strategy: 'google-service-account-jwt',
  client_email: 'robot@project.test',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
};

it('a service account signs for its tokens', async () => {
  const grant = readGrant(ACCOUNT);
  if (!grant.ok) throw new Error(grant.error);
  const forms: [string, string][] = [];
  const post = async (url: string, form: string) => {
    forms.push([url, form]);
    return ok({ status: 200, body: '{"access_token": "ya29.token", "expires_in": 3599}' });
  };
  const tokens = new GrantedTokens(grant.value, post, () => 1_700_000_000_500);
  expect(await tokens.current()).toEqual(ok('ya29.token'));
  expect(tokens.secrets()).toEqual(['ya29.token']);
  const [url, form] = forms[0]!;
  expect(url).toBe('https://oauth2.googleapis.com/token');
  const fields = new URLSearchParams(form);
  expect(fields.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
  const [header, claims, signature] = fields.get('assertion')!.split('.') as [string, string, string];
  const decoded = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect(decoded(header)).toEqual({ alg: 'RS256', typ: 'JWT' });
  expect(decoded(claims)).toEqual({
    iss: 'robot@project.test',
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    aud: url,
    iat: 1_700_000_000,
    exp: 1_700_003_600,
  });
  const signed = Buffer.from(`${header}.${claims}`);
  expect(verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
});

it.each([
  ['client_email', { client_email: '' }],
  ['private_key', { private_key: 'no key' }],
  [
    'private_key',
    { private_key: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) },
  ],
  ['token_url', { token_url: 'http://tokens.test/' }],
  ['scopes', { scopes: 'a' }],
  ['not known', { type: 'service_account' }],
])('one without a good %s does not', (said, more) => {
  const grant = readGrant({ ...ACCOUNT, ...more });
  expect(grant.ok ? '' : grant.error).toContain(said);
});
