import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CREDENTIAL, OTHER, ph, SECRET, sent, TOKEN } from './pretended.ts';

const header = async (name: string, value: string, more = {}): Promise<unknown> => {
  const out = await sent({ headers: ['Host', 'api.test', name, value], ...more });
  return typeof out === 'string' ? out : out.headers[name.toLowerCase()];
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('placeholders in headers', () => {
  it.each([
    ['Authorization', `Bearer ${ph('TOKEN')}`, `Bearer ${TOKEN}`],
    ['authorization', ph('TOKEN'), TOKEN],
    ['AUTHORIZATION', `token ${ph('TOKEN')}`, `token ${TOKEN}`],
    ['Authorization', `Digest a="${ph('TOKEN')}", b="${ph('TOKEN')}"`, `Digest a="${TOKEN}", b="${TOKEN}"`],
    ['Authorization', `Basic ${base64(`user:${ph('TOKEN')}`)}`, `Basic ${base64(`user:${TOKEN}`)}`],
    ['Authorization', `basic ${base64(`${ph('TOKEN')}:`)}`, `Basic ${base64(`${TOKEN}:`)}`],
    ['Authorization', `Basic ${base64(`x:${ph('SECRET')}`)}`, `Basic ${base64(`x:${SECRET}`)}`],
    ['X-Api-Key', ph('TOKEN'), TOKEN],
    ['Authorization', 'Bearer mine', 'Bearer mine'],
    ['X-Other', 'openshell: resolve', 'openshell: resolve'],
  ])('%s: %s', async (name, value, wanted) => {
    expect(await header(name, value)).toBe(wanted);
  });

  it.each([
    ['a header that is not named', 'X-Token', ph('TOKEN'), 'credential_not_placeable'],
    ['a cookie', 'Cookie', `a=b; t=${ph('TOKEN')}`, 'credential_not_placeable'],
    [
      'the credential of another host',
      'Authorization',
      `Bearer ${ph('OTHER')}`,
      'credential_endpoint_mismatch',
    ],
    ['the same elsewhere', 'X-Token', ph('OTHER'), 'credential_endpoint_mismatch'],
    [
      'the same in Basic',
      'Authorization',
      `Basic ${base64(`u:${ph('OTHER')}`)}`,
      'credential_endpoint_mismatch',
    ],
    ['one of no sandbox', 'Authorization', 'Bearer openshell:resolve:env:TOKEN', 'credential_unavailable'],
    [
      'one with a revision',
      'Authorization',
      'Bearer openshell:resolve:env:v1_TOKEN',
      'credential_unavailable',
    ],
    ['another alias', 'Authorization', 'Bearer sk-OPENSHELL-RESOLVE-ENV-TOKEN', 'credential_unavailable'],
    ['upper case', 'Authorization', ph('TOKEN').toUpperCase(), 'credential_unavailable'],
    ['one that is cut off', 'Authorization', ph('TOKEN').slice(0, -1), 'credential_unavailable'],
    ['one that goes on', 'Authorization', `${ph('TOKEN')}X`, 'credential_unavailable'],
    ['an escaped one', 'Authorization', ph('TOKEN').replaceAll(':', '%3A'), 'credential_unavailable'],
    ['one escaped twice', 'X-Api-Key', ph('TOKEN').replaceAll(':', '%253a'), 'credential_unavailable'],
    ['one whose letters are escaped', 'X-Api-Key', ph('TOKEN').replace('o', '%6F'), 'credential_unavailable'],
    ['what no header can hold', 'Authorization', `Bearer ${ph('SECRET')}`, 'credential_not_placeable'],
  ])('refused: %s', async (_, name, value, kind) => {
    expect(await header(name, value)).toBe(kind);
  });

  it('are refused as the name of a header', async () => {
    expect(await sent({ headers: [ph('TOKEN'), 'x'] })).toBe('credential_unavailable');
  });

  it('are replaced in the headers that the binding names', async () => {
    const credential = { ...CREDENTIAL, headers: ['private-token'] };
    expect(await header('Private-Token', ph('TOKEN'), { credential })).toBe(TOKEN);
    expect(await header('X-Api-Key', ph('TOKEN'), { credential })).toBe('credential_not_placeable');
  });
});

describe('placeholders where nothing is bound', () => {
  it.each([
    [{ headers: ['Authorization', `Bearer ${ph('TOKEN')}`] }],
    [{ headers: ['Authorization', `Basic ${base64(`u:${ph('TOKEN')}`)}`] }],
    [{ target: `/bot${ph('TOKEN')}/x` }],
    [{ target: `/?t=${encodeURIComponent(ph('TOKEN'))}` }],
  ])('are refused: %j', async (more) => {
    expect(await sent({ ...more, credential: null })).toBe('credential_endpoint_mismatch');
  });
});

describe('requests that get none', () => {
  it.each(['TRACE', 'trace', 'TRACK'])('%s', async (method) => {
    expect(await sent({ method })).toBe('credential_not_placeable');
  });

  it('without TLS, unless the policy says so', async () => {
    const headers = ['Authorization', `Bearer ${ph('TOKEN')}`];
    expect(await sent({ headers, tls: false })).toBe('credential_cleartext');
    expect(await sent({ headers: ['Authorization', 'Bearer mine'], tls: false })).toMatchObject({
      target: '/',
    });
    const credential = { ...CREDENTIAL, cleartext: true };
    expect(await header('Authorization', ph('TOKEN'), { tls: false, credential })).toBe(TOKEN);
  });

  it('that ask for a part, or for a coding that nobody here undoes, get a whole in another', async () => {
    const headers = [
      'Range',
      'bytes=0-3',
      'If-Range',
      '"x"',
      'Accept-Encoding',
      'gzip;q=1, compress, *;q=0.5, br',
    ];
    expect(await sent({ headers })).toEqual({ target: '/', headers: { 'accept-encoding': 'gzip;q=1, br' } });
  });
});

describe('placeholders in targets', () => {
  it.each([
    [`/bot${ph('TOKEN')}/send`, `/bot${TOKEN}/send`],
    [`/bot${encodeURIComponent(ph('TOKEN'))}/a%2Fb`, `/bot${TOKEN}/a%2Fb`],
    [`/a?x=1&t=${ph('TOKEN')}&u=${encodeURIComponent(ph('TOKEN'))}`, `/a?x=1&t=${TOKEN}&u=${TOKEN}`],
    [`/a?t=${ph('SECRET')}`, `/a?t=${encodeURIComponent(SECRET)}`],
    [`/a?t=a+b${ph('TOKEN')}`, `/a?t=a%20b${TOKEN}`],
    ['/a?t=a+b%20c', '/a?t=a+b%20c'],
  ])('%s', async (target, wanted) => {
    expect(await sent({ target })).toMatchObject({ target: wanted });
  });

  it.each([
    ['a slash in the path', `/x/${ph('SECRET')}`, 'credential_not_placeable'],
    ['a name in the query', `/a?${ph('TOKEN')}=1`, 'credential_not_placeable'],
    ['no name in the query', `/a?${ph('TOKEN')}`, 'credential_not_placeable'],
    ['an unknown one', '/a?t=openshell:resolve:env:X', 'credential_unavailable'],
    ['one escaped twice', `/a?t=${ph('TOKEN').replaceAll(':', '%253A')}`, 'credential_unavailable'],
    ['one escaped twice in the path', `/a/${ph('TOKEN').replaceAll(':', '%253A')}`, 'credential_unavailable'],
    ['that of another host', `/a?t=${ph('OTHER')}`, 'credential_endpoint_mismatch'],
  ])('refused: %s', async (_, target, kind) => {
    expect(await sent({ target })).toBe(kind);
  });
});

it('never sends a placeholder, nor a credential to where it is not bound, whatever stands around them', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ph('TOKEN'),
      ph('OTHER'),
      encodeURIComponent(ph('TOKEN')),
      'openshell:',
      ':resolve:env:',
      'Basic ',
      'Bearer ',
    ),
    fc.constantFrom(base64(`u:${ph('OTHER')}`), base64(ph('TOKEN'))),
    fc.stringMatching(/^[!-~]{0,8}$/),
  );
  const text = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(text, text, text, fc.boolean(), async (one, two, query, bound) => {
      const out = await sent({
        target: `/?q=${encodeURIComponent(query)}`,
        headers: ['Authorization', one, 'X-Api-Key', two],
        ...(bound ? {} : { credential: null }),
      });
      if (typeof out === 'string') return;
      const said = JSON.stringify(out) + decodeURIComponent(out.target);
      expect(said.toLowerCase()).not.toContain('openshell:resolve:env:');
      expect(said).not.toContain(OTHER);
      if (!bound) expect(said).not.toContain(TOKEN);
    }),
    { numRuns: 500 },
  );
});
