import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalPath } from '../../src/inspect/request-path.ts';

const strict = { allowEncodedSlash: false };
const lenient = { allowEncodedSlash: true };
const read = (raw: string, options = strict): string => {
  const result = canonicalPath(raw, options);
  return result.ok ? result.value.path : `! ${result.error}`;
};

describe('canonicalPath', () => {
  it.each([
    ['', '/'],
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/', '/a/'],
    ['/public/../secret', '/secret'],
    ['/public/%2e%2e/secret', '/secret'],
    ['/public/%2E./secret', '/secret'],
    ['//secret', '/secret'],
    ['/a//b///c', '/a/b/c'],
    ['/public/;x/../secret', '/secret'],
    ['/public/..;x=1/secret', '/secret'],
    ['/a;v=1/b;c;d', '/a/b'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/./b/', '/a/b/'],
    ['/%61%7e%2d', '/a~-'],
    ['/%7b%c3%a9', '/%7B%C3%A9'],
    ['/{x}|"<>^`[y]', '/%7Bx%7D%7C%22%3C%3E%5E%60%5By%5D'],
    ['/m%3A0/a:b', '/m%3A0/a:b'],
    ['/a%3bb', '/a%3Bb'],
    ['/%252e%252e/x', '/%252e%252e/x'],
    ['/a/...', '/a/...'],
  ])('%j is %s', (raw, expected) => {
    expect(read(raw)).toBe(expected);
  });

  it.each([
    ['a', 'does not begin with `/`'],
    ['*', 'does not begin with `/`'],
    ['/..', 'climbs above the root'],
    ['/a/../../b', 'climbs above the root'],
    ['/a//../../b', 'climbs above the root'],
    ['/%2e%2e/x', 'climbs above the root'],
    ['/a%00', 'holds an escaped control character'],
    ['/a%0d%0aHost:x', 'holds an escaped control character'],
    ['/a%7F', 'holds an escaped control character'],
    ['/a\u0000', 'holds a blank or control character'],
    ['/a b', 'holds a blank or control character'],
    ['/é', 'holds a character outside ASCII; write its UTF-8 bytes as `%XX`'],
    ['/a#b', 'holds `#`, which paths cannot have'],
    ['/a\\b', 'holds `\\`, which paths cannot have'],
    ['/a?b', 'holds `?`, which paths cannot have'],
    ['/%', 'holds `%` without two hexadecimal digits'],
    ['/%4', 'holds `%` without two hexadecimal digits'],
    ['/%zz', 'holds `%` without two hexadecimal digits'],
    ['/%u0041', 'holds `%` without two hexadecimal digits'],
    ['/a%2fb', 'holds an escaped slash (`%2F`)'],
    ['/a/..%5csecret', 'hides a dot segment behind an escape'],
    ['/..%3Bx/secret', 'hides a dot segment behind an escape'],
    ['/%c0%ae%c0%ae/x', 'holds escaped bytes that are no UTF-8 and that some servers read as ASCII'],
    ['/%e0%80%af', 'holds escaped bytes that are no UTF-8 and that some servers read as ASCII'],
    [`/${'a'.repeat(4096)}`, 'is longer than 4096 bytes'],
    [`/${'{'.repeat(2000)}`, 'is longer than 4096 bytes once it is escaped'],
  ])('%j is refused: it %s', (raw, error) => {
    expect(read(raw)).toBe(`! ${error}`);
  });

  it.each([
    ['/group%2frepo', '/group%2Frepo'],
    ['/a%2F..', '! hides a dot segment behind an escape'],
    ['/a%2F%2e%2e%2Fb', '! hides a dot segment behind an escape'],
    ['/..%2Fb', '! hides a dot segment behind an escape'],
    ['/a%2F.%3bx', '! hides a dot segment behind an escape'],
  ])('with `allow_encoded_slash`, %j is %s', (raw, expected) => {
    expect(read(raw, lenient)).toBe(expected);
  });

  it('takes a path of 4096 bytes', () => {
    expect(read(`/${'a'.repeat(4095)}`)).toHaveLength(4096);
  });

  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '/',
          '//',
          '.',
          '..',
          '%2e',
          '%2E',
          '%2f',
          '%2F',
          '%5c',
          '%3b',
          ';',
          ';x',
          '%25',
          '%',
        ),
        fc.constantFrom(
          '%c0%af',
          '%41',
          '%7B',
          '{',
          '*',
          ':',
          '%3A',
          '+',
          '%2B',
          '%80',
          '%ff',
          'é',
          '\\',
          '?',
          '\t',
        ),
        fc.string({ maxLength: 3 }),
        fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
      ),
      { maxLength: 24 },
    )
    .map((parts) => `/${parts.join('')}`);

  it.each([strict, lenient])('keeps its promises about hostile spellings (%j)', (options) => {
    fc.assert(
      fc.property(hostile, (raw) => {
        const result = canonicalPath(raw, options);
        if (!result.ok) return;
        const { path, segments, encodedSlash } = result.value;
        expect(canonicalPath(path, options)).toEqual(result);
        expect(path).toMatch(/^(?:\/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-F]{2})*)+$/);
        expect(path).not.toMatch(/\/\//);
        expect(path).not.toMatch(/%(?:[01][0-9A-F]|7F|2D|2E|5F|7E|3[0-9]|[46][1-9A-F]|[57][0-9A])/);
        expect(segments).toEqual(path.slice(1).split('/'));
        expect(encodedSlash).toBe(path.includes('%2F'));
        if (!options.allowEncodedSlash) expect(encodedSlash).toBe(false);
        for (const part of decodeBytes(path).split(/[/\\]/)) expect(['.', '..']).not.toContain(part);
      }),
      { numRuns: 3000 },
    );
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        canonicalPath(raw, lenient);
      }),
    );
  });

  it('reads what is canonical already as it reads an escaped spelling of it', () => {
    const segment = fc.string({ unit: fc.constantFrom(...'aZ0._~-!$=:@,'), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
        const path = `/${segments.join('/')}`;
        const escaped = path.replace(/[aZ0]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
        expect(canonicalPath(path, strict)).toEqual(canonicalPath(escaped, strict));
        expect(canonicalPath(path, strict)).toEqual(canonicalPath(`${path};`, strict));
      }),
    );
  });
});

/** Decodes once, byte by byte, as the most careless server would. */
const decodeBytes = (path: string): string =>
  path.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
