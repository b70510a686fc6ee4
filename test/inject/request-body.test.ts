import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InjectionError } from '../../src/inject/problem.ts';
import { CREDENTIAL_LIMITS } from '../../src/inject/provider.ts';
import { BodyStream, bodyForm } from '../../src/inject/request-body.ts';
import type { EndpointCredential } from '../../src/plan/plan.ts';
import { CREDENTIAL, injector, ph, request, SECRET, TOKEN } from './pretended.ts';

const FILLS: EndpointCredential = { ...CREDENTIAL, bodies: true };

/** What goes out, or the kind of the problem. */
async function out(
  type: string,
  body: string,
  { size = 7, credential = FILLS as EndpointCredential | null, more = [] as string[] } = {},
): Promise<string> {
  const headers = ['Content-Type', type, 'Content-Length', String(Buffer.byteLength(body)), ...more];
  const prepared = await injector.prepare(request({ method: 'POST', hasBody: true, credential, headers }));
  if (!prepared.ok) return prepared.error.kind;
  const { body: handled, headers: kept } = prepared.value;
  expect(kept.includes('Content-Length')).toBe(handled.kind !== 'changed');
  if (handled.kind === 'same') return body;
  if (handled.kind === 'signed') throw new Error('nothing is signed here');
  const bytes = Buffer.from(body);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  const stream = new BodyStream(handled.bytes());
  const from = Readable.from(pieces);
  const result = buffer(stream);
  from.pipe(stream);
  try {
    return (await result).toString();
  } catch (error) {
    if (error instanceof InjectionError) return error.problem.kind;
    throw error;
  }
}

const JSON_TYPE = 'application/json; charset=utf-8';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const IN_BODY = 'credential_placeholder_in_request_body';

describe('placeholders in bodies that are rewritten', () => {
  it('are escaped for JSON', async () => {
    const body = JSON.stringify({ a: ph('SECRET'), b: [`x${ph('TOKEN')}`], c: 'openshell:resolve' });
    const wanted = { a: SECRET, b: [`x${TOKEN}`], c: 'openshell:resolve' };
    for (const size of [1, 3, 64, 1000])
      expect(JSON.parse(await out(JSON_TYPE, body, { size }))).toEqual(wanted);
    expect(JSON.parse(await out('application/vnd.api+json', body))).toEqual(wanted);
  });

  it('are escaped for forms', async () => {
    const body = new URLSearchParams({ a: ph('SECRET'), b: 'ä & ö', c: `x ${ph('TOKEN')}` }).toString();
    for (const size of [1, 3, 64, 1000]) {
      const form = new URLSearchParams(await out(FORM_TYPE, body, { size }));
      expect(Object.fromEntries(form)).toEqual({ a: SECRET, b: 'ä & ö', c: `x ${TOKEN}` });
    }
    expect(await out(FORM_TYPE, `a=${ph('TOKEN')}&`)).toBe(`a=${TOKEN}&`);
  });

  it('stand as they are in texts', async () => {
    expect(await out('text/plain', `${ph('SECRET')}\n${ph('TOKEN')}`)).toBe(`${SECRET}\n${TOKEN}`);
  });

  it.each([
    ['the credential of another host', JSON_TYPE, `{"a": "${ph('OTHER')}"}`, 'credential_endpoint_mismatch'],
    ['an unknown one', JSON_TYPE, '{"a": "openshell:resolve:env:X"}', 'credential_unavailable'],
    ['one without an end', 'text/plain', `openshell:resolve:env:${'x'.repeat(300)}`, IN_BODY],
    ['an escaped one in JSON', JSON_TYPE, `{"a": "${ph('TOKEN').replaceAll(':', '\\u003a')}"}`, IN_BODY],
    ['an escaped one in a text', 'text/html', ph('TOKEN').replaceAll(':', '%3A'), IN_BODY],
    ['the name of a field', FORM_TYPE, `${ph('TOKEN')}=1`, 'credential_not_placeable'],
    ['one that is escaped twice in a form', FORM_TYPE, `a=${ph('TOKEN').replaceAll(':', '%253A')}`, IN_BODY],
    ['that of another host in a form', FORM_TYPE, `a=${ph('OTHER')}`, 'credential_endpoint_mismatch'],
    [
      'a type that is not known',
      'multipart/form-data; boundary=x',
      `--x\r\n\r\n${ph('TOKEN')}\r\n--x--`,
      IN_BODY,
    ],
    ['a charset that is not read', 'application/json; charset=utf-16', ph('TOKEN'), IN_BODY],
    [
      'a field that is too long',
      FORM_TYPE,
      `a=${'x'.repeat(CREDENTIAL_LIMITS.formFieldBytes)}${ph('TOKEN')}`,
      IN_BODY,
    ],
  ])('refused: %s', async (_, type, body, kind) => {
    expect(await out(type, body)).toBe(kind);
    expect(await out(type, body, { size: 1000 })).toBe(kind);
  });

  it('cannot be found in a content coding', async () => {
    expect(await out(JSON_TYPE, 'zzz', { more: ['Content-Encoding', 'gzip'] })).toBe(
      'credential_body_unreadable',
    );
    expect(await out(JSON_TYPE, '{}', { more: ['Content-Encoding', 'identity'] })).toBe('{}');
    const credential = { ...FILLS, uninspected: true };
    expect(await out(JSON_TYPE, 'zzz', { credential, more: ['Content-Encoding', 'gzip'] })).toBe('zzz');
  });

  it('leave long fields and other bytes as they are', async () => {
    const body = `a=${'x'.repeat(CREDENTIAL_LIMITS.formFieldBytes + 100)}&b=${ph('TOKEN')}`;
    expect(await out(FORM_TYPE, body, { size: 999 })).toBe(body.replace(ph('TOKEN'), TOKEN));
  });
});

describe('placeholders in other bodies', () => {
  it('are refused', async () => {
    for (const credential of [CREDENTIAL, null]) {
      for (const size of [1, 5, 1000]) {
        expect(await out(JSON_TYPE, `{"a": "${ph('TOKEN')}"}`, { size, credential })).toBe(IN_BODY);
        expect(await out(FORM_TYPE, `a=${encodeURIComponent(ph('TOKEN'))}`, { size, credential })).toBe(
          IN_BODY,
        );
      }
      expect(await out(JSON_TYPE, '{"openshell:": 1}', { credential })).toBe('{"openshell:": 1}');
    }
  });

  it('pass where the policy says so', async () => {
    const credential = { ...CREDENTIAL, uninspected: true };
    expect(await out(JSON_TYPE, ph('TOKEN'), { credential })).toBe(ph('TOKEN'));
  });
});

it('knows types', () => {
  expect(bodyForm(undefined)).toBeNull();
  expect(bodyForm('APPLICATION/JSON')).toBe('json');
  expect(bodyForm('application/octet-stream')).toBeNull();
});

it('comes to the same however a body is cut', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ph('TOKEN'),
      ph('SECRET'),
      ph('OTHER'),
      'openshell:resolve:env:',
      'openshell%3A',
      '&',
      '=',
    ),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 6 }),
      fc.integer({ min: 1, max: 120 }),
      fc.constantFrom('text/plain', JSON_TYPE, FORM_TYPE),
      async (parts, size, type) => {
        const body = parts.join('');
        expect(await out(type, body, { size })).toBe(await out(type, body, { size: 1e6 }));
      },
    ),
  );
});
