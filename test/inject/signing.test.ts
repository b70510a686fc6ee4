import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Injection } from '../../src/inject/injection.ts';
import { Injector } from '../../src/inject/injector.ts';
import { issuePlaceholders, placeholdersByVariable } from '../../src/inject/placeholder.ts';
import { signRequest, unsigned } from '../../src/inject/signing.ts';
import type { RequestSigning } from '../../src/plan/plan.ts';
import { expectedAuthorization } from '../support/aws-signature.ts';
import { CREDENTIAL, fixed, request } from './pretended.ts';

const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const PROVIDERS = [fixed('aws', { ...KEYS, AWS_SESSION_TOKEN: 'a-session-token' })];
const PLACEHOLDERS = issuePlaceholders(PROVIDERS, () => 'ab'.repeat(32));
const ph = (name: string): string => placeholdersByVariable(PLACEHOLDERS).get(name)!;
const injector = new Injector(PROVIDERS, PLACEHOLDERS, async () => ({ signRequest, unsigned }));

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-11-29T10:00:00Z') }));
afterEach(() => void vi.useRealTimers());

/** As an SDK in the sandbox signs, with placeholders. */
const clientHeaders = (hash: string | null, host: string): string[] => [
  ...['Host', host, 'X-Amz-Date', '20200101T000000Z', 'X-Amz-Security-Token', ph('AWS_SESSION_TOKEN')],
  ...[
    'Authorization',
    `AWS4-HMAC-SHA256 Credential=${ph('AWS_ACCESS_KEY_ID')}/20200101/x, SignedHeaders=host, Signature=0`,
  ],
  ...['User-Agent', 'sdk', 'Content-Type', 'application/x-amz-json-1.0', 'X-Amz-Target', 'A.B'],
  ...(hash === null ? [] : ['X-Amz-Content-Sha256', hash]),
];

interface Wanted {
  readonly signing?: Partial<RequestSigning>;
  readonly hash?: string | null;
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly body?: string | null;
  readonly more?: readonly string[];
}

async function prepare({
  signing = {},
  hash = null,
  method = 'POST',
  target = '/',
  host = 'sqs.eu-west-1.amazonaws.com',
  body = null,
  more = [],
}: Wanted) {
  const length = body === null ? [] : ['Content-Length', String(body.length)];
  return injector.prepare(
    request({
      credential: {
        ...CREDENTIAL,
        provider: 'aws',
        signing: { payload: 'automatic', service: 'sqs', region: null, ...signing },
      },
      method,
      target,
      host,
      headers: [...clientHeaders(hash, host), ...length, ...more],
      hasBody: body !== null,
    }),
  );
}

async function signed(wanted: Wanted): Promise<{ target: string; headers: Record<string, string> }> {
  const prepared = await prepare(wanted);
  if (!prepared.ok) throw new Error(prepared.error.detail);
  const { body, target } = prepared.value;
  let headers: Injection['headers'] = prepared.value.headers;
  if (body.kind === 'signed') {
    const whole = await body.sign(Buffer.from(wanted.body ?? ''));
    if (!whole.ok) throw new Error(whole.error.detail);
    headers = whole.value;
  }
  const byName: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) byName[headers[i]!.toLowerCase()] = headers[i + 1]!;
  return { target, headers: byName };
}

const SIGNER = {
  accessKeyId: KEYS.AWS_ACCESS_KEY_ID,
  secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY,
  sessionToken: 'a-session-token',
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a signature', () => {
  it.each<[string, Wanted, { service: string; region: string }]>([
    ['of a body', { body: '{"a":1}' }, { service: 'sqs', region: 'eu-west-1' }],
    [
      'without a body',
      { method: 'GET', target: '/a/b%20c?x=1&y=%2F&x=0&empty=' },
      { service: 'sqs', region: 'eu-west-1' },
    ],
    [
      'of S3',
      {
        method: 'GET',
        target: '/k%20e%2By/%C3%A4?list-type=2',
        host: 'b.s3.dualstack.us-east-2.amazonaws.com',
        signing: { service: 's3' },
      },
      { service: 's3', region: 'us-east-2' },
    ],
    [
      'of S3 without its body',
      {
        method: 'PUT',
        target: '/key',
        hash: 'UNSIGNED-PAYLOAD',
        body: 'xyz',
        host: 's3.us-east-2.amazonaws.com',
        signing: { service: 's3' },
      },
      { service: 's3', region: 'us-east-2' },
    ],
    [
      'for a region that the policy names',
      { body: 'x', host: 'internal.test', signing: { region: 'eu-north-1', payload: 'signed' } },
      { service: 'sqs', region: 'eu-north-1' },
    ],
  ])('%s is what another implementation makes', async (_, wanted, scope) => {
    const { headers, target } = await signed(wanted);
    expect(target).toBe(wanted.target ?? '/');
    const { method = 'POST', host = 'sqs.eu-west-1.amazonaws.com' } = wanted;
    expect(headers['authorization']).toBe(
      expectedAuthorization(headers, { method, path: target, host, ...scope }, SIGNER),
    );
    expect(headers['x-amz-date']).toBe('20261129T100000Z');
    expect(headers['x-amz-security-token']).toBe('a-session-token');
    expect(JSON.stringify(headers)).not.toContain('openshell:resolve');
    expect(headers['authorization']).toContain('x-amz-target');
  });

  it.each<[string, Wanted, string]>([
    ['the body, read here', { body: 'abc' }, sha256('abc')],
    ['the body, as the client hashed it', { body: 'abc', hash: sha256('other') }, sha256('other')],
    [
      'the body, as the policy says',
      { body: 'abc', hash: 'UNSIGNED-PAYLOAD', signing: { payload: 'signed' } },
      sha256('abc'),
    ],
    [
      'no body, as the policy says',
      { body: 'abc', hash: sha256('abc'), signing: { payload: 'unsigned' } },
      'UNSIGNED-PAYLOAD',
    ],
    ['an empty body', {}, sha256('')],
    [
      'a trailer',
      { body: 'abc', hash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
      'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    ],
  ])('is about %s', async (_, wanted, hash) => {
    expect((await signed(wanted)).headers['x-amz-content-sha256']).toBe(hash);
  });

  it.each<[string, Wanted, string]>([
    [
      'of pieces that the client signed',
      { body: 'x', hash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' },
      'credential_not_placeable',
    ],
    ['for a host without a region', { host: 'storage.test' }, 'credential_unavailable'],
    [
      'beside a placeholder elsewhere',
      { more: ['X-Amz-Meta-A', ph('AWS_SECRET_ACCESS_KEY')] },
      'credential_not_placeable',
    ],
  ])('is not made %s', async (_, wanted, kind) => {
    const prepared = await prepare(wanted);
    expect(prepared.ok ? 'made' : prepared.error.kind).toBe(kind);
  });

  it('is never made for a request without TLS', async () => {
    const credential = {
      ...CREDENTIAL,
      provider: 'aws',
      signing: { payload: 'automatic', service: 's3', region: 'a-1' } as const,
    };
    const prepared = await injector.prepare(request({ credential, tls: false }));
    expect(prepared.ok ? 'made' : prepared.error.kind).toBe('credential_cleartext');
  });
});
