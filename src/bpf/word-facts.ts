/**
 * What is known about words of seccomp_data at one point of a program: the tests on the way to it have been answered.
 * Facts are values; each operation gives new ones.
 */
import { ALL_ONES, type Test, type Word } from './ir.ts';

/** Values that a word (under its mask) may still have. */
interface Domain {
  readonly low: number;
  readonly high: number;
  /** Values between them that it does not have. */
  readonly except: ReadonlySet<number>;
}

export type Facts = ReadonlyMap<string, Domain>;

export const NO_FACTS: Facts = new Map();

const NOTHING: ReadonlySet<number> = new Set();
const ANYTHING: Domain = { low: 0, high: ALL_ONES, except: NOTHING };

const keyOf = (word: Word): string => `${word.offset} ${word.mask}`;

/** The word that a test asks about: for `set`, the word under its bits, which is zero or not. */
const asked = (test: Test): Word =>
  test.op === 'set' ? { offset: test.word.offset, mask: (test.word.mask & test.k) >>> 0 } : test.word;

/** The answer to a test, when the facts know it. */
export function answer(facts: Facts, test: Test): boolean | null {
  const word = asked(test);
  const known = facts.get(keyOf(word)) ?? fromWhole(facts, word);
  if (known === undefined) return null;
  const k = test.op === 'set' ? 0 : test.k;
  if (test.op === 'ge') {
    if (known.low >= k) return true;
    return known.high < k ? false : null;
  }
  const isEqual = equals(known, k);
  if (isEqual === null) return null;
  return test.op === 'set' ? !isEqual : isEqual;
}

function equals(known: Domain, k: number): boolean | null {
  if (k < known.low || k > known.high || known.except.has(k)) return false;
  return known.low === known.high ? true : null;
}

/** A whole word that is known exactly says what it is under any mask. */
function fromWhole(facts: Facts, word: Word): Domain | undefined {
  const whole = facts.get(keyOf({ offset: word.offset, mask: ALL_ONES }));
  if (whole === undefined || whole.low !== whole.high) return undefined;
  const value = (whole.low & word.mask) >>> 0;
  return { low: value, high: value, except: NOTHING };
}

/** The facts behind one exit of a test. */
export function learn(facts: Facts, test: Test, outcome: boolean): Facts {
  const word = asked(test);
  const key = keyOf(word);
  const known = facts.get(key) ?? ANYTHING;
  const after = new Map(facts);
  if (test.op === 'ge')
    after.set(
      key,
      outcome
        ? { ...known, low: Math.max(known.low, test.k) }
        : { ...known, high: Math.min(known.high, test.k - 1) },
    );
  else if (test.op === 'eq' ? outcome : !outcome) {
    const k = test.op === 'eq' ? test.k : 0;
    after.set(key, { low: k, high: k, except: NOTHING });
  } else {
    after.set(key, without(known, test.op === 'eq' ? test.k : 0));
  }
  return after;
}

function without(known: Domain, value: number): Domain {
  if (value === known.low) return { ...known, low: value + 1 };
  if (value === known.high) return { ...known, high: value - 1 };
  return { ...known, except: new Set(known.except).add(value) };
}

/** What holds on both ways to a point. */
export function meet(a: Facts, b: Facts): Facts {
  const both = new Map<string, Domain>();
  for (const [key, left] of a) {
    const right = b.get(key);
    if (right === undefined) continue;
    const except = new Set<number>();
    for (const value of left.except) if (equals(right, value) === false) except.add(value);
    for (const value of right.except) if (equals(left, value) === false) except.add(value);
    both.set(key, {
      low: Math.min(left.low, right.low),
      high: Math.max(left.high, right.high),
      except,
    });
  }
  return both;
}
