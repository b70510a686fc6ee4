import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALLOW, errno, KILL, NOTIFY } from '../../src/bpf/action.ts';
import { compileFilter, PLAIN } from '../../src/bpf/compile.ts';
import {
  anyBit,
  atLeast,
  below,
  equal,
  maskedEqual,
  maskedNotEqual,
  notEqual,
} from '../../src/bpf/condition.ts';
import { decide, type FilterInput } from '../../src/bpf/filter.ts';
import { run } from '../../src/bpf/interpret.ts';
import { PASSES } from '../../src/bpf/passes.ts';
import { ARCH, actionOf, callsOf, compiled, filter, outcomeAction, randomFilter, X32 } from './filters.ts';

const a = { arg: 0, width: 32 } as const;
const b = { arg: 1, width: 64 } as const;
const c = { arg: 2, width: 32 } as const;

/** One filter with every kind of condition, and neighbours of each kind. */
const everything = filter([
  { nr: 0, rules: [], otherwise: ALLOW, weight: 100 },
  { nr: 1, rules: [], otherwise: ALLOW, weight: 100 },
  { nr: 3, rules: [{ conditions: [equal(a, 16)], action: errno(1) }], otherwise: ALLOW },
  { nr: 4, rules: [{ conditions: [notEqual(b, 0)], action: NOTIFY }], otherwise: ALLOW },
  { nr: 5, rules: [{ conditions: [maskedEqual(a, 0x10400, 0x10000)], action: NOTIFY }], otherwise: ALLOW },
  {
    nr: 6,
    rules: [{ conditions: [maskedNotEqual(a, 0xfffffff7, 2)], action: errno(97) }],
    otherwise: NOTIFY,
  },
  { nr: 7, rules: [{ conditions: [anyBit(c, 0x7e020000)], action: KILL }], otherwise: ALLOW },
  { nr: 8, rules: [{ conditions: [below(b, 1n << 32n)], action: ALLOW }], otherwise: errno(2) },
  { nr: 9, rules: [{ conditions: [atLeast(b, (5n << 32n) + 7n)], action: ALLOW }], otherwise: errno(3) },
  {
    nr: 200,
    rules: [
      { conditions: [equal(a, 1), equal(c, 2)], action: ALLOW },
      { conditions: [equal(a, 1), equal(c, 3)], action: ALLOW },
      { conditions: [equal(a, 6), equal(c, 2)], action: NOTIFY },
      { conditions: [equal(a, 1)], action: errno(4) },
    ],
    otherwise: errno(92),
  },
]);

function agrees(input: FilterInput, without: readonly string[]): void {
  const program = compiled(input, without);
  for (const call of callsOf(input)) {
    const actual = actionOf(program, call);
    const expected = decide(input, call);
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      expect({ call, actual }).toEqual({ call, actual: expected });
  }
}

describe('a compiled filter', () => {
  it('does what its rules say', () => {
    agrees(everything, []);
  });

  it.each(PASSES.map(({ name }) => name))('does the same without the pass %s', (name) => {
    agrees(everything, [name]);
  });

  it.each(PASSES.map(({ name }) => name))('does the same with the pass %s alone', (name) => {
    agrees(
      everything,
      PASSES.map((pass) => pass.name).filter((other) => other !== name),
    );
  });

  it('does the same without any pass', () => {
    agrees(everything, PLAIN.without!);
  });

  it('does what random rules say, optimised, plain and with one pass left out', () => {
    const left = fc.subarray(PASSES.map(({ name }) => name));
    fc.assert(
      fc.property(randomFilter, left, (input, without) => {
        agrees(input, []);
        agrees(input, without);
      }),
      { numRuns: 150, seed: 20251201 },
    );
  });

  it('takes every way of every jump on the calls that the tests make', () => {
    const program = compiled(everything);
    const ways = new Set<string>();
    for (const call of callsOf(everything)) {
      let before = -1;
      run(program, call, (index) => {
        ways.add(`${before}-${index}`);
        before = index;
      });
    }
    for (const [index, { code, jt, jf }] of program.entries()) {
      if ((code & 7) !== 5 || code === 5) continue;
      expect(ways, `instruction ${index}, taken`).toContain(`${index}-${index + 1 + jt}`);
      expect(ways, `instruction ${index}, not taken`).toContain(`${index}-${index + 1 + jf}`);
    }
  });

  it('looks at the low 32 bits of an int only', () => {
    const program = compiled(everything);
    for (const high of [0n, 1n, 0x7fffffffn, 0xffffffffn])
      expect(actionOf(program, { arch: ARCH, nr: 3, args: [(high << 32n) + 16n] })).toEqual(errno(1));
  });

  it('is shorter and faster than the plain one', () => {
    const plain = compiled(everything, PLAIN.without);
    const program = compiled(everything);
    expect(program.length).toBeLessThan(plain.length);
    const steps = (nr: number, which: typeof plain): number => run(which, { arch: ARCH, nr, args: [] }).steps;
    expect(steps(200, program)).toBeLessThan(steps(200, plain));
    expect(steps(0, program)).toBeLessThanOrEqual(6);
  });

  it('is the same each time', () => {
    expect(compileFilter(everything)).toEqual(compileFilter(structuredClone(everything)));
  });

  it('answers also when there is nothing to tell apart', () => {
    for (const without of [[], PLAIN.without!]) {
      const nothing = compiled(
        filter([], { foreignArch: ALLOW, unknown: ALLOW, foreignFrom: null }),
        without,
      );
      expect(outcomeAction(run(nothing, { arch: 1, nr: 7, args: [] }))).toEqual(ALLOW);
      expect(actionOf(compiled(filter([]), without), { arch: ARCH, nr: X32, args: [] })).toEqual(KILL);
    }
  });

  it('refuses input that makes no sense and passes that do not exist', () => {
    const bad = compileFilter(filter([{ nr: -1, rules: [], otherwise: ALLOW }]));
    expect(!bad.ok && bad.error).toMatch(/system call -1/);
    const unknown = compileFilter(everything, { without: ['no-such-pass'] });
    expect(!unknown.ok && unknown.error).toMatch(/no such pass/);
  });
});
