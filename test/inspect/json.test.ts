import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonValue, MAX_DEPTH, MAX_VALUES, parseJson } from '../../src/inspect/json.ts';

const problemOf = (text: string): string => {
  const read = parseJson(text);
  return read.ok ? '' : read.error;
};

/** As JSON.parse gives it. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('parseJson', () => {
  it.each([
    ['{"a":1,"a":2}', 'names a member twice in one object'],
    ['{"a":1,"\\u0061":2}', 'names a member twice in one object'],
    ['[{"b":{"a":1,"c":2,"a":3}}]', 'names a member twice in one object'],
    ['{"__proto__":1,"__proto__":2}', 'names a member twice in one object'],
    ['"\\ud800"', 'holds half of a surrogate pair'],
    ['{"\\udc00":1}', 'holds half of a surrogate pair'],
    ['1e999', 'holds a number that is too large'],
    ['{} {}', 'goes on after its end'],
    ['{"a":1}\u0000', 'goes on after its end'],
    ['', 'is malformed'],
    [' ', 'is malformed'],
    ['{"a":1,}', 'is malformed'],
    ['[1,]', 'is malformed'],
    ['[1 2]', 'is malformed'],
    ['{a:1}', 'is malformed'],
    ["{'a':1}", 'is malformed'],
    ['{"a" 1}', 'is malformed'],
    ['01', 'goes on after its end'],
    ['1.', 'goes on after its end'],
    ['.5', 'is malformed'],
    ['+1', 'is malformed'],
    ['-', 'is malformed'],
    ['0x10', 'goes on after its end'],
    ['NaN', 'is malformed'],
    ['Infinity', 'is malformed'],
    ['nul', 'is malformed'],
    ['True', 'is malformed'],
    ['"a\nb"', 'is malformed'],
    ['"\\x41"', 'is malformed'],
    ['"\\u00g0"', 'is malformed'],
    ['"a', 'is malformed'],
    ['/* */1', 'is malformed'],
    ['\ufeff{}', 'is malformed'],
    ['\u00a01', 'is malformed'],
    ['toString', 'is malformed'],
  ])('%j %s', (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it('gives objects that have no members but their own', () => {
    const read = parseJson('{"__proto__":{"x":1},"constructor":2}');
    expect(read).toEqual({
      ok: true,
      value: new Map<string, JsonValue>([
        ['__proto__', new Map([['x', 1]])],
        ['constructor', 2],
      ]),
    });
  });

  it('is bounded in depth and in values, and never overflows the stack', () => {
    const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
    expect(problemOf(nested(MAX_DEPTH, '[', ']'))).toBe('');
    expect(problemOf(nested(MAX_DEPTH + 2, '[', ']'))).toBe(`is nested more than ${MAX_DEPTH} deep`);
    expect(problemOf('{"a":'.repeat(1_000_000))).toBe(`is nested more than ${MAX_DEPTH} deep`);
    expect(problemOf(`[${'0,'.repeat(MAX_VALUES)}0]`)).toBe(`has more than ${MAX_VALUES} values`);
  });

  it('reads whatever was written', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
        const read = parseJson(text);
        if (/"__proto__"/.test(text)) return;
        expect(read.ok && plain(read.value)).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('accepts nothing that the platform refuses, and reads it alike', () => {
    const piece = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        ' ',
        '\n',
        '0',
        '1',
        '-',
        '.',
        'e',
        '+',
        'true',
        'null',
        'false',
      ],
      ...[
        '"a"',
        '"b"',
        '"a":',
        '\\u0061',
        '\\ud83d\\ude00',
        '\\ud800',
        'é',
        '\u0000',
        '\u2028',
        '[1]',
        '{"a":1}',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const text = pieces.join('');
        const read = parseJson(text);
        if (read.ok) expect(plain(read.value)).toEqual(JSON.parse(text));
      }),
      {
        numRuns: 20_000,
        examples: [
          [['{', '"a":', '1', ',', '"a":', '2', '}']],
          [['[', '1', ',', ']']],
          [['"', '\\ud800', '"']],
        ],
      },
    );
  });
});
