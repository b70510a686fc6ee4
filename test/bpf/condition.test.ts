import { describe, expect, it } from 'vitest';
import {
  anyBit,
  atLeast,
  below,
  type Condition,
  conditionProblem,
  equal,
  holds,
  maskedEqual,
  maskedNotEqual,
  noBit,
  notEqual,
} from '../../src/bpf/condition.ts';

const INT = { arg: 1, width: 32 } as const;
const LONG = { arg: 1, width: 64 } as const;
const HIGH = 1n << 32n;

describe('a condition', () => {
  it.each<[string, Condition, readonly bigint[], readonly bigint[]]>([
    [
      'equals the low half of an int',
      equal(INT, 16),
      [16n, HIGH + 16n, (0xffffn << 48n) + 16n],
      [15n, 17n, HIGH],
    ],
    ['equals the whole of a long', equal(LONG, 16), [16n], [HIGH + 16n, 15n]],
    ['differs in the low half of an int', notEqual(INT, 0), [1n, HIGH + 1n], [0n, HIGH]],
    ['differs in any bit of a long', notEqual(LONG, 0), [1n, HIGH, 1n << 63n], [0n]],
    ['takes a negative int as its 32 bits', equal(INT, -1), [0xffff_ffffn, (1n << 64n) - 1n], [1n]],
    ['takes a negative long as its 64 bits', equal(LONG, -1), [(1n << 64n) - 1n], [0xffff_ffffn]],
    ['is below', below(INT, 3), [0n, 2n, HIGH], [3n, 4n, HIGH + 3n]],
    ['is at least', atLeast(LONG, HIGH + 3n), [HIGH + 3n, HIGH * 2n], [HIGH + 2n, 0n, 5n]],
    [
      'has one of several bits',
      anyBit(INT, 0x5000),
      [0x1000n, 0x4000n, 0x7001n],
      [0n, 0x2000n, HIGH * 0x1000n],
    ],
    ['has none of several bits', noBit(INT, 0x5000), [0n, 0x2000n], [0x1000n, 0x4000n]],
    [
      'is equal under a mask',
      maskedEqual(INT, 0x10400, 0x10000),
      [0x10000n, 0x10003n],
      [0x10400n, 0n, 0x400n],
    ],
    ['is not equal under a mask', maskedNotEqual(INT, 0xfffffff7, 2), [1n, 3n, 42n, 0x102n], [2n, 10n]],
  ])('%s', (_, condition, yes, no) => {
    expect(conditionProblem(condition)).toBeNull();
    for (const value of yes) expect(holds(condition, [0n, value]), String(value)).toBe(true);
    for (const value of no) expect(holds(condition, [0n, value]), String(value)).toBe(false);
  });

  it('takes an argument that is not there for 0', () => {
    expect(holds(equal({ arg: 5, width: 64 }, 0), [])).toBe(true);
  });

  it.each<[Partial<Condition>, RegExp]>([
    [{ arg: 6 }, /argument 6 does not exist/],
    [{ arg: -1 }, /does not exist/],
    [{ mask: 0n }, /mask 0 is not in the 32 bits/],
    [{ mask: HIGH }, /is not in the 32 bits/],
    [{ value: HIGH }, /value 4294967296 is not in the 32 bits/],
    [{ value: 3n, mask: 2n }, /can never be 3/],
    [{ op: 'lt', mask: 0xffn }, /has a mask/],
  ])('that makes no sense is refused: %o', (change, complaint) => {
    expect(conditionProblem({ ...equal(INT, 1), ...change })).toMatch(complaint);
  });
});
