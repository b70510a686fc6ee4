import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCredential } from '../../src/inject/credential-document.ts';
import { CREDENTIAL_LIMITS } from '../../src/inject/provider.ts';

const GRANT = {
  strategy: 'oauth2-client-credentials',
  token_url: 'https://a.test/t',
  client_id: 'c',
  client_secret: '12345678',
};
const NO_PROJECT = { projectId: null, email: null };
const document = (credentials: unknown): string => JSON.stringify({ credentials });

describe('a credential', () => {
  it.each([
    ['sk-12345678', [{ variable: 'V', value: 'sk-12345678' }]],
    ['sk-12345678\n', [{ variable: 'V', value: 'sk-12345678' }]],
    ['sk-12345678\r\n', [{ variable: 'V', value: 'sk-12345678' }]],
    ['päßwört und mehr', [{ variable: 'V', value: 'päßwört und mehr' }]],
    [
      document({ A: '12345678', B_2: '23456789' }),
      [
        { variable: 'A', value: '12345678' },
        { variable: 'B_2', value: '23456789' },
      ],
    ],
  ])('is read: %j', (text, values) => {
    expect(parseCredential(text, 'V')).toEqual({ ok: true, value: { values, gcp: NO_PROJECT } });
  });

  it('may be a way to get tokens', () => {
    expect(parseCredential(document({ T: GRANT }), 'V')).toMatchObject({
      ok: true,
      value: {
        values: [
          {
            variable: 'T',
            value: {
              strategy: 'oauth2-client-credentials',
              tokenUrl: 'https://a.test/t',
              clientId: 'c',
              clientSecret: '12345678',
              refreshToken: null,
              scopes: [],
              audience: null,
            },
          },
        ],
      },
    });
    const refresh = {
      strategy: 'oauth2-refresh-token',
      token_url: 'http://127.0.0.1:1/t',
      client_id: 'c',
      refresh_token: 'r-1234567',
    };
    expect(parseCredential(document({ T: refresh }), 'V').ok).toBe(true);
  });

  it('may tell of a project', () => {
    const text = (gcp: unknown): string => JSON.stringify({ credentials: { A: '12345678' }, gcp });
    const read = parseCredential(text({ project_id: 'p-1', service_account_email: 'a@b.test' }), 'V');
    expect(read.ok && read.value.gcp).toEqual({ projectId: 'p-1', email: 'a@b.test' });
    for (const gcp of [1, [], { project_id: 'a b' }, { project: 'x' }])
      expect(parseCredential(text(gcp), 'V').ok).toBe(false);
  });

  it.each([
    ['', 'is empty'],
    ['short', 'shorter than 8'],
    ['two\nlines of text', 'line feed'],
    ['12345678\n\n', 'line feed'],
    ['nul\u0000character', 'control character'],
    [' 12345678', 'blank'],
    [`x${'y'.repeat(CREDENTIAL_LIMITS.longestValue)}`, 'longer than'],
    ['z'.repeat(CREDENTIAL_LIMITS.credentialBytes + 1), 'longer than'],
    ['openshell:resolve:env:X', 'itself a placeholder'],
    ['{"a": 1}', 'docs/credentials.md'],
    ['{', 'docs/credentials.md'],
    ['{"credentials": []}', 'docs/credentials.md'],
    ['{"credentials": {}}', 'no value'],
    ['{"credentials": {"A": "12345678"}, "x": 1}', 'keys besides'],
    [document({ 'a-b': '12345678' }), 'other characters'],
    [document({ v1_X: '12345678' }), 'like a handle'],
    [document({ A: '1' }), 'A is shorter'],
    [document({ A: 12345678 }), 'neither a text nor a mapping'],
    [
      document(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`A${i}`, '12345678']))),
      'more than 32',
    ],
    [document({ A: { ...GRANT, strategy: 'other' } }), 'needs `strategy`'],
    [document({ A: { ...GRANT, more: 1 } }), 'not known'],
    [document({ A: { ...GRANT, token_url: 'http://a.test/' } }), 'https URL'],
    [document({ A: { ...GRANT, token_url: 'https://u:p@a.test/' } }), 'https URL'],
    [document({ A: { ...GRANT, client_id: '' } }), 'client_id'],
    [document({ A: { ...GRANT, client_secret: undefined } }), 'client_secret'],
    [document({ A: { ...GRANT, client_secret: 'x' } }), 'client_secret'],
    [document({ A: { ...GRANT, strategy: 'oauth2-refresh-token' } }), 'refresh_token'],
    [document({ A: { ...GRANT, scopes: ['a b'] } }), 'scopes'],
    [document({ A: { ...GRANT, audience: 1 } }), 'audience'],
  ])('is refused: %j', (text, said) => {
    const parsed = parseCredential(text, 'V');
    expect(parsed.ok ? 'read' : parsed.error).toContain(said);
  });

  it('never makes this throw, and is in no complaint', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => `{"credentials": ${text}}`),
        ),
        (text) => {
          const parsed = parseCredential(text, 'V');
          if (!parsed.ok && text.length > 12) expect(parsed.error).not.toContain(text);
        },
      ),
    );
  });
});
