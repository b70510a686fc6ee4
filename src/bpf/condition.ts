/**
 * A condition on one argument of a system call.
 *
 * `width` says how many bits the kernel looks at. For 32 the high half is not read at all, since the kernel drops it:
 * a rule against `socket(AF_VSOCK, …)` must also hold for `2^32 + AF_VSOCK`.
 */

export type Operator = 'eq' | 'ne' | 'lt' | 'ge';

export interface Condition {
  /** 0 to 5. */
  readonly arg: number;
  readonly width: 32 | 64;
  readonly op: Operator;
  /** The bits of the argument that are compared; all of the width for `lt` and `ge`, which are unsigned. */
  readonly mask: bigint;
  readonly value: bigint;
}

/** Which argument, and how many of its bits count: from the table of kernel facts. */
export interface Place {
  readonly arg: number;
  readonly width: 32 | 64;
}

const ALL_BITS = { 32: 0xffff_ffffn, 64: 0xffff_ffff_ffff_ffffn } as const;

/** Every bit of a width. */
export const allBits = (width: 32 | 64): bigint => ALL_BITS[width];

const make = (place: Place, op: Operator, mask: bigint, value: bigint): Condition => ({
  arg: place.arg,
  width: place.width,
  op,
  mask,
  value,
});

/** A number as the kernel sees it in an argument of this width: negative ones in two's complement. */
const unsigned = (place: Place, value: number | bigint): bigint => BigInt.asUintN(place.width, BigInt(value));

export const equal = (place: Place, value: number | bigint): Condition =>
  make(place, 'eq', ALL_BITS[place.width], unsigned(place, value));

export const notEqual = (place: Place, value: number | bigint): Condition =>
  make(place, 'ne', ALL_BITS[place.width], unsigned(place, value));

/** (argument & mask) == value */
export const maskedEqual = (place: Place, mask: number | bigint, value: number | bigint): Condition =>
  make(place, 'eq', unsigned(place, mask), unsigned(place, value));

/** (argument & mask) != value */
export const maskedNotEqual = (place: Place, mask: number | bigint, value: number | bigint): Condition =>
  make(place, 'ne', unsigned(place, mask), unsigned(place, value));

/** At least one bit of the mask is set. */
export const anyBit = (place: Place, mask: number | bigint): Condition =>
  make(place, 'ne', unsigned(place, mask), 0n);

/** No bit of the mask is set. */
export const noBit = (place: Place, mask: number | bigint): Condition =>
  make(place, 'eq', unsigned(place, mask), 0n);

export const below = (place: Place, value: number | bigint): Condition =>
  make(place, 'lt', ALL_BITS[place.width], unsigned(place, value));

export const atLeast = (place: Place, value: number | bigint): Condition =>
  make(place, 'ge', ALL_BITS[place.width], unsigned(place, value));

/** What the condition means: the ground against which the compiler is tested. Arguments are 64-bit values. */
export function holds(condition: Condition, args: readonly bigint[]): boolean {
  const seen = BigInt.asUintN(condition.width, args[condition.arg] ?? 0n) & condition.mask;
  switch (condition.op) {
    case 'eq':
      return seen === condition.value;
    case 'ne':
      return seen !== condition.value;
    case 'lt':
      return seen < condition.value;
    case 'ge':
      return seen >= condition.value;
  }
}

/** Null when the condition makes sense; otherwise what is wrong with it. */
export function conditionProblem(condition: Condition): string | null {
  const { arg, width, op, mask, value } = condition;
  const all = ALL_BITS[width];
  if (!Number.isInteger(arg) || arg < 0 || arg > 5) return `argument ${arg} does not exist: there are 0 to 5`;
  if (mask <= 0n || mask > all) return `mask ${mask} is not in the ${width} bits of argument ${arg}`;
  if (value < 0n || value > all) return `value ${value} is not in the ${width} bits of argument ${arg}`;
  if ((op === 'lt' || op === 'ge') && mask !== all) return `\`${op}\` on argument ${arg} has a mask`;
  if ((value & ~mask) !== 0n) return `argument ${arg} under mask ${mask} can never be ${value}`;
  return null;
}
