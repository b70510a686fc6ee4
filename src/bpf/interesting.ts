/** Values at which a condition could change its answer: below, at and above its value, and with bits set that the
 * kernel does not look at. */
import { allBits, type Condition } from './condition.ts';
import type { SyscallRules } from './filter.ts';

const ALL_64 = allBits(64);

/** Sorted 64-bit values, each once. */
export function interestingValues(condition: Condition): readonly bigint[] {
  const { value, mask, width } = condition;
  const values = new Set<bigint>([0n, 1n, allBits(32), ALL_64]);
  const inside = [value - 1n, value, value + 1n, value | (allBits(width) & ~mask), mask, mask ^ value];
  for (let bit = 0n; bit < 64n; bit += 1n)
    if ((mask >> bit) & 1n && mask !== allBits(width)) inside.push(value ^ (1n << bit), 1n << bit);
  for (const one of inside) {
    const low = BigInt.asUintN(width, one);
    values.add(low);
    // The bits above an int are the caller's to choose.
    for (const high of [1n << 32n, 1n << 63n, 0xffff_ffff_0000_0000n]) values.add((low | high) & ALL_64);
    values.add(low & 0xffff_ffffn);
  }
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** A value that the condition holds for; `lt 0` has none and gives 0. */
export function satisfying(condition: Condition): bigint {
  switch (condition.op) {
    case 'eq':
    case 'ge':
      return condition.value;
    case 'ne':
      return condition.value === 0n ? condition.mask & -condition.mask : 0n;
    case 'lt':
      return condition.value === 0n ? 0n : condition.value - 1n;
  }
}

/**
 * Argument lists that reach every rule of a call and lead just past each of its conditions: for each rule one list for
 * which it fits, and that list with one argument at a time replaced by every interesting value of the whole call.
 */
export function* interestingCalls(entry: SyscallRules): Generator<readonly bigint[]> {
  const values = new Map<number, Set<bigint>>();
  for (const { conditions } of entry.rules)
    for (const condition of conditions) {
      const known = values.get(condition.arg) ?? new Set();
      for (const value of interestingValues(condition)) known.add(value);
      values.set(condition.arg, known);
    }
  yield [0n, 0n, 0n, 0n, 0n, 0n];
  yield [ALL_64, ALL_64, ALL_64, ALL_64, ALL_64, ALL_64];
  const seen = new Set<string>();
  for (const { conditions } of entry.rules) {
    const base = [0n, 0n, 0n, 0n, 0n, 0n];
    for (const condition of conditions) base[condition.arg] = satisfying(condition);
    const key = base.join();
    if (seen.has(key)) continue;
    seen.add(key);
    yield base;
    for (const [arg, options] of values) for (const value of options) yield base.with(arg, value);
  }
}
