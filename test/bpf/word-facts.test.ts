import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_ONES, type Test } from '../../src/bpf/ir.ts';
import { answer, type Facts, learn, meet, NO_FACTS } from '../../src/bpf/word-facts.ts';

const ask = (op: Test['op'], k: number, mask = ALL_ONES, offset = 16): Test => ({
  kind: 'test',
  word: { offset, mask },
  op,
  k,
  yes: 0,
  no: 1,
  prepare: 'load',
});

const holds = (test: Test, value: number): boolean => {
  const seen = (value & test.word.mask) >>> 0;
  if (test.op === 'eq') return seen === test.k;
  return test.op === 'ge' ? seen >= test.k : (seen & test.k) !== 0;
};

describe('facts about words', () => {
  it.each<[string, readonly [Test, boolean][], Test, boolean | null]>([
    ['nothing, at first', [], ask('eq', 1), null],
    ['a value that is known', [[ask('eq', 1), true]], ask('eq', 1), true],
    ['another value than the known one', [[ask('eq', 1), true]], ask('eq', 2), false],
    ['a value that is excluded', [[ask('eq', 1), false]], ask('eq', 1), false],
    ['not whether another value holds', [[ask('eq', 1), false]], ask('eq', 2), null],
    ['a value below the least', [[ask('ge', 5), true]], ask('eq', 4), false],
    ['a bound inside a known one', [[ask('ge', 5), true]], ask('ge', 3), true],
    ['a bound that is excluded', [[ask('ge', 5), false]], ask('ge', 5), false],
    ['bits that were asked about', [[ask('set', 6), false]], ask('set', 6), false],
    ['not about other bits', [[ask('set', 6), false]], ask('set', 8), null],
    ['bits of a known value', [[ask('eq', 8), true]], ask('set', 8), true],
    ['a masked value of a known one', [[ask('eq', 0x81), true]], ask('eq', 0x80, 0xf0), true],
    ['not about another word', [[ask('eq', 1), true]], ask('eq', 1, ALL_ONES, 24), null],
    [
      'the last value left',
      [
        [ask('ge', 5), true],
        [ask('ge', 7), false],
        [ask('eq', 6), false],
      ],
      ask('eq', 5),
      true,
    ],
  ])('know %s', (_, learnt, question, expected) => {
    const facts = learnt.reduce<Facts>((known, [test, outcome]) => learn(known, test, outcome), NO_FACTS);
    expect(answer(facts, question)).toBe(expected);
  });

  it('keep at a meeting point what holds on both ways', () => {
    const one = learn(NO_FACTS, ask('eq', 1), true);
    const two = learn(NO_FACTS, ask('eq', 2), true);
    const both = meet(one, two);
    expect(answer(both, ask('eq', 1))).toBeNull();
    expect(answer(both, ask('ge', 3))).toBe(false);
    expect(answer(both, ask('ge', 1))).toBe(true);
    expect(meet(one, NO_FACTS).size).toBe(0);
  });

  it('never answer wrongly', () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constantFrom(0x7fffffff, 0x80000000, ALL_ONES));
    const question = fc
      .record({
        op: fc.constantFrom<Test['op']>('eq', 'ge', 'set'),
        k: value,
        mask: fc.constantFrom(ALL_ONES, 6, 1),
      })
      .map(({ op, k, mask }) => ask(op, op === 'eq' ? (k & mask) >>> 0 : k, op === 'eq' ? mask : ALL_ONES));
    const way = fc.record({ seen: value, questions: fc.array(question, { maxLength: 6 }) });
    fc.assert(
      fc.property(way, way, question, (one, other, last) => {
        const told = ({ seen, questions }: { seen: number; questions: Test[] }): Facts =>
          questions.reduce<Facts>((facts, test) => learn(facts, test, holds(test, seen)), NO_FACTS);
        for (const [facts, seen] of [
          [told(one), one.seen],
          [meet(told(one), told(other)), one.seen],
          [meet(told(one), told(other)), other.seen],
        ] as const) {
          const known = answer(facts, last);
          if (known !== null) expect(known).toBe(holds(last, seen));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
