import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../src/inspect/query.ts';

const read = (raw: string): unknown => {
  const result = parseQuery(raw);
  return result.ok ? Object.fromEntries(result.value) : `! ${result.error}`;
};

describe('parseQuery', () => {
  it.each([
    ['', {}],
    ['a=1&b=2', { a: ['1'], b: ['2'] }],
    ['a=1&a=2', { a: ['1', '2'] }],
    ['a', { a: [''] }],
    ['a=b=c', { a: ['b=c'] }],
    ['=x', { '': ['x'] }],
    ['&&a=1&', { a: ['1'] }],
    ['a+b=c+d', { 'a b': ['c d'] }],
    ['a=%2B%26%3D', { a: ['+&='] }],
    ['%61=%C3%A9', { a: ['é'] }],
    ['a=1;b=2', { a: ['1;b=2'] }],
  ])('%j', (raw, expected) => {
    expect(read(raw)).toEqual(expected);
  });

  it.each([
    'a=%',
    'a=%4',
    'a=%zz',
    '%=1',
    'a=%ff',
    'a=%c0%af',
    'a=%ed%a0%80',
    'a=%00',
    'a=b c',
    'a=\u0001',
    'a=é',
    'a#b',
  ])('%j is refused', (raw) => {
    expect(read(raw)).toMatch(/^! /);
  });

  it('bounds what it reads, and says nothing of it', () => {
    expect(read(`secret=${'a'.repeat(40_000)}`)).toBe('! is longer than 32768 bytes');
    expect(read('secret=%zz')).not.toMatch(/secret/);
  });

  it('reads what URLSearchParams wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (pairs) => {
        const text = new URLSearchParams(pairs).toString();
        fc.pre(!text.includes('%00') && !pairs.some(([name, value]) => name === '' && value === ''));
        const expected = new Map<string, string[]>();
        for (const [name, value] of pairs) expected.set(name, [...(expected.get(name) ?? []), value]);
        const result = parseQuery(text);
        expect(result.ok && [...result.value]).toEqual([...expected]);
      }),
    );
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        parseQuery(raw);
      }),
    );
  });
});
