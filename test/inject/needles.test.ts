import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Needles } from '../../src/inject/needles.ts';

const needles = (...texts: string[]): Needles<string> =>
  new Needles(texts.map((text) => ({ bytes: Buffer.from(text, 'latin1'), meaning: text })));

describe('needles', () => {
  it('are found, the longer of two that begin at one place', () => {
    const found = needles('abcd', 'abcdef', 'cdx').find(Buffer.from('xxabcdefabcdx'), 0);
    expect(found).toMatchObject({ at: 2, needle: { meaning: 'abcdef' } });
    expect(needles('abcd').find(Buffer.from('abc'), 0)).toBeNull();
    expect(needles().find(Buffer.from('abc'), 0)).toBeNull();
    expect(() => needles('a')).toThrow();
  });

  it('are found where a plain search finds them', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 });
    const needle = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(
        text,
        fc.uniqueArray(needle, { minLength: 1, maxLength: 5 }),
        fc.nat(8),
        (hay, wanted, from) => {
          const first = Math.min(...wanted.map((each) => hay.indexOf(each, from)).filter((at) => at >= 0));
          const hit = needles(...wanted).find(Buffer.from(hay), from);
          expect(hit?.at ?? Number.POSITIVE_INFINITY).toBe(first);
          const open = needles(...wanted).openFrom(Buffer.from(hay), 0);
          for (let at = 0; at < hay.length; at += 1) {
            const isOpen = wanted.some(
              (each) => each.length > hay.length - at && each.startsWith(hay.slice(at)),
            );
            if (isOpen) expect(open).toBeLessThanOrEqual(at);
          }
          if (open < hay.length) expect(wanted.some((each) => each.startsWith(hay.slice(open)))).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
