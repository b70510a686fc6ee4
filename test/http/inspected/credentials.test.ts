/** Credentials on the way of a request, between a client and a server that are ours. */
import { describe, expect, it } from 'vitest';
import type { EndpointCredential } from '../../../src/plan/plan.ts';
import { CREDENTIAL, injector, ph, SECRET, TOKEN } from '../../inject/pretended.ts';
import { type Seen, type Site, send, site } from './asking.ts';

const CLEAR: EndpointCredential = { ...CREDENTIAL, cleartext: true, bodies: true };

const bound = (
  answer?: (seen: Seen) => string,
  credential: EndpointCredential | null = CLEAR,
): Promise<Site> =>
  site(
    { kind: 'rest' } as never,
    answer,
    {
      protocol: 'rest',
      messages: null,
      allow: [{ index: 0, line: 1, method: '*', path: '**', query: [] }],
      credential,
    },
    injector,
  );

describe('a request with a credential', () => {
  it('has its length told where the body is short', async () => {
    const { port, seen } = await bound();
    await send(port, JSON.stringify({ a: ph('SECRET') }));
    const wanted = JSON.stringify({ a: SECRET });
    expect(seen[0]?.body.toString()).toBe(wanted);
    expect(seen[0]?.headers['content-length']).toBe(String(Buffer.byteLength(wanted)));
  });

  it('is sent in chunks where it is long', async () => {
    const { port, seen } = await bound();
    const filler = 'x'.repeat(100);
    const long = JSON.stringify(
      Array.from({ length: 5000 }, (_, i) => (i % 100 === 0 ? ph('TOKEN') : filler)),
    );
    await send(port, long);
    expect(seen[0]?.headers['transfer-encoding']).toBe('chunked');
    expect(seen[0]?.body.toString()).toBe(long.replaceAll(ph('TOKEN'), TOKEN));
  });

  it('never reaches the server when it holds a placeholder that is none', async () => {
    const { port, seen, events } = await bound();
    const answer = await send(port, '{"a": "openshell:resolve:env:X"}', { expect: '100-continue' });
    expect(answer).toMatchObject({ status: 500, json: { error: 'credential_unavailable' } });
    expect(seen).toEqual([]);
    expect(events.map(({ action, reason }) => `${action} ${reason}`)).toEqual([
      'allow allowed',
      'allow allowed',
      'deny credential_unavailable',
    ]);
  });

  it('breaks off when that comes late, and the server does not get the end of it', async () => {
    const { port, seen } = await bound(undefined, null);
    const answer = await send(port, `${'x'.repeat(3_000_000)}${ph('TOKEN')}`, {
      'content-type': 'text/plain',
    });
    expect(answer).toMatchObject({ status: 403, json: { error: 'credential_placeholder_in_request_body' } });
    expect(seen).toEqual([]);
  });

  it('gets an answer in which nothing of it is left', async () => {
    const { port } = await bound(({ headers }) => JSON.stringify(headers));
    const answer = await send(port, '{}', { authorization: `Bearer ${ph('TOKEN')}` });
    expect(answer.json.authorization).toBe(`Bearer ${'*'.repeat(TOKEN.length)}`);
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(0);
  });
});
