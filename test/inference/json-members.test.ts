import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonBounds, JsonMembers } from '../../src/inference/json-members.ts';

const BOUNDS: JsonBounds = { depth: 16, members: 64, kept: 1024 };

function read(text: string | Uint8Array, bounds: Partial<JsonBounds> = {}, piece = 1 << 20) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const reader = new JsonMembers({ ...BOUNDS, ...bounds }, () => true);
  for (let i = 0; i < bytes.length; i += piece) reader.push(bytes.subarray(i, i + piece));
  return reader.finish();
}

const refusal = (text: string | Uint8Array, bounds: Partial<JsonBounds> = {}): string => {
  const result = read(text, bounds);
  return result.ok ? 'accepted' : result.error;
};

/** JSON of any kind, with the blanks that a program could put there. */
const texts = fc
  .record({ value: fc.jsonValue({ maxDepth: 6 }), indent: fc.constantFrom(0, 1, 4, '\t') })
  .map(({ value, indent }) => JSON.stringify(value, null, indent));

describe('JsonMembers', () => {
  it('says where members are, and keeps the wanted', () => {
    const text = ' { "a" : [1, {"a": 2}] ,"b":"x\\"}" , "\\u0063":-1.5e3}\n';
    const result = read(text);
    const members = result.ok ? result.value! : [];
    expect(members.map(({ key, text: kept }) => [key, kept])).toEqual([
      ['a', '[1, {"a": 2}]'],
      ['b', '"x\\"}"'],
      ['c', '-1.5e3'],
    ]);
    expect(members.map(({ start, end }) => text.slice(start, end))).toEqual(members.map((one) => one.text));
  });

  it('keeps nothing that is not wanted, and no more than its bound', () => {
    const reader = new JsonMembers({ ...BOUNDS, kept: 8 }, (key) => key !== 'b');
    reader.push(Buffer.from('{"a":"123456","b":1,"c":"1234567"}'));
    const result = reader.finish();
    expect(result.ok && result.value!.map(({ text }) => text)).toEqual(['"123456"', null, null]);
  });

  it('reads every text that JSON.parse reads, whatever pieces it comes in', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 9 }), (text, piece) => {
        const result = read(text, { kept: 1 << 20, depth: 64, members: 1000 }, piece);
        expect(result.ok).toBe(true);
        const value = JSON.parse(text) as unknown;
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        const members = result.ok ? result.value : null;
        expect(members?.map((one) => [one.key, JSON.parse(one.text!)]) ?? null).toEqual(
          isObject ? Object.entries(value) : null,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses every text that JSON.parse refuses', () => {
    const parts = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '.',
      'e',
      '0',
      'true',
      'nul',
      ' ',
      '\n',
      '\u00e9',
      '\\u12',
      '\0',
    );
    const broken = fc.oneof(
      fc.string(),
      fc.array(parts, { maxLength: 12 }).map((some) => some.join('')),
      fc.tuple(texts, fc.nat(), parts).map(([text, at, part]) => {
        const i = at % (text.length + 1);
        return text.slice(0, i) + part + text.slice(i);
      }),
    );
    fc.assert(
      fc.property(broken, (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        // Stricter in one thing only.
        const { ok } = read(text, { depth: 64, members: 1000 });
        if (ok) expect(valid).toBe(true);
        else if (valid) expect(refusal(text, { depth: 64, members: 1000 })).toBe('has the same key twice');
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['{"model":"a","model":"b"}', 'has the same key twice'],
    ['{"model":"a","mod\\u0065l":"b"}', 'has the same key twice'],
    ['{"a":1,}', 'lacks a key'],
    ['{"a":1}{', 'goes on after its end'],
    ['{"a":01}', 'holds what is no value'],
    ['{"a":NaN}', 'holds what is no value'],
    ["{'a':1}", 'lacks a key'],
    ['{"a":"\u0001"}', 'holds a control character in a string'],
    ['{"a":"\\x41"}', 'holds an escape that is none'],
    ['{"a":"', 'ends before it is complete'],
    ['', 'ends before it is complete'],
    ['\ufeff{}', 'holds what is no value'],
    ['[1}', 'lacks a `,`'],
  ])('refuses %j: it %s', (text, problem) => {
    expect(refusal(text)).toBe(problem);
  });

  it.each([
    [[0x80], 'a continuation alone'],
    [[0xc0, 0xaf], 'an overlong form'],
    [[0xe0, 0x80, 0xaf], 'a longer one'],
    [[0xed, 0xa0, 0x80], 'a surrogate'],
    [[0xf5, 0x80, 0x80, 0x80], 'more than there is'],
    [[0xc3], 'half a character'],
  ])('refuses strings that are no UTF-8: %j', (bytes) => {
    expect(refusal(Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, ...bytes, 0x22, 0x7d]))).toBe(
      'is no UTF-8',
    );
  });

  it('bounds depth, keys and numbers', () => {
    expect(refusal('['.repeat(17))).toBe('is nested too deep');
    expect(refusal(`{${Array.from({ length: 65 }, (_, i) => `"${i}":0`).join()}}`)).toBe('has too many keys');
    expect(refusal(`{"${'k'.repeat(2000)}":0}`)).toBe('has a key that is too long');
    expect(refusal('1'.repeat(500))).toBe('holds a number that is too long');
  });
});
