import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALLOW, errno } from '../../src/bpf/action.ts';
import { anyBit, below, equal, holds } from '../../src/bpf/condition.ts';
import { interestingCalls, interestingValues, satisfying } from '../../src/bpf/interesting.ts';
import { randomFilter } from './filters.ts';

describe('interesting values', () => {
  it('lie below, at and above the value, and have bits set that an int does not have', () => {
    const values = interestingValues(equal({ arg: 0, width: 32 }, 40));
    expect(values).toEqual(expect.arrayContaining([39n, 40n, 41n, (1n << 32n) + 40n, (1n << 63n) + 40n]));
  });

  it('set and clear each bit of a mask', () => {
    const values = interestingValues(anyBit({ arg: 0, width: 32 }, 0x5000));
    expect(values).toEqual(expect.arrayContaining([0n, 0x1000n, 0x4000n, 0x5000n]));
  });

  it('make each condition hold and fail, where it can do both', () => {
    fc.assert(
      fc.property(randomFilter, (input) => {
        for (const { conditions } of input.syscalls.flatMap(({ rules }) => rules))
          for (const condition of conditions) {
            const always = condition.op === 'ge' && condition.value === 0n;
            const never = condition.op === 'lt' && condition.value === 0n;
            const seen = new Set(
              interestingValues(condition).map((value) => holds({ ...condition, arg: 0 }, [value])),
            );
            expect([...seen].sort()).toEqual(always ? [true] : never ? [false] : [false, true]);
            if (!never) expect(holds({ ...condition, arg: 0 }, [satisfying(condition)])).toBe(true);
          }
      }),
      { numRuns: 50 },
    );
  });
});

describe('interesting calls', () => {
  it('reach every rule of a call and its answer when none fits', () => {
    const a = { arg: 0, width: 32 } as const;
    const b = { arg: 2, width: 64 } as const;
    const rules = [
      { conditions: [equal(a, 1), equal(b, 7)], action: ALLOW },
      { conditions: [equal(a, 2)], action: errno(2) },
      { conditions: [below(b, 5), equal(a, 3)], action: errno(3) },
    ];
    const reached = new Set<number>();
    for (const args of interestingCalls({ nr: 1, rules, otherwise: errno(4) }))
      reached.add(rules.findIndex(({ conditions }) => conditions.every((one) => holds(one, args))));
    expect([...reached].sort()).toEqual([-1, 0, 1, 2]);
  });
});
