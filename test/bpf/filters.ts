/** Filters for tests: hand-written ones, and random ones from a seed. */
import fc from 'fast-check';
import { type Action, ALLOW, errno, KILL, NOTIFY } from '../../src/bpf/action.ts';
import { compileFilter } from '../../src/bpf/compile.ts';
import { allBits, type Condition, type Operator } from '../../src/bpf/condition.ts';
import type { Call, FilterInput, SyscallRules } from '../../src/bpf/filter.ts';
import { interestingCalls } from '../../src/bpf/interesting.ts';
import type { Outcome } from '../../src/bpf/interpret.ts';
import { run } from '../../src/bpf/interpret.ts';
import { type VerifiedProgram, verifyProgram } from '../../src/bpf/verify.ts';

export const ARCH = 0xc000003e;
export const OTHER_ARCH = 0x40000003;
export const ENOSYS = 38;
export const X32 = 0x40000000;

export function filter(syscalls: readonly SyscallRules[], more: Partial<FilterInput> = {}): FilterInput {
  return {
    auditArch: ARCH,
    foreignArch: KILL,
    foreignFrom: X32,
    syscalls,
    unknown: errno(ENOSYS),
    ...more,
  };
}

/** Compiles and checks; a failure of either fails the test. */
export function compiled(input: FilterInput, without: readonly string[] = []): VerifiedProgram {
  const program = compileFilter(input, { without });
  if (!program.ok) throw new Error(program.error);
  const verified = verifyProgram(program.value);
  if (!verified.ok) throw new Error(verified.error);
  return verified.value;
}

/** What a program did, in the words of `Action`. */
export function outcomeAction({ action, data }: Outcome): Action {
  switch (action) {
    case 'allow':
      return ALLOW;
    case 'notify':
      return NOTIFY;
    case 'errno':
      return errno(data);
    case 'killProcess':
      return KILL;
    default:
      throw new Error(`a program of ours never answers ${action}`);
  }
}

export const actionOf = (program: VerifiedProgram, call: Call): Action => outcomeAction(run(program, call));

/** Calls that reach every rule and the surroundings of every number of a filter. */
export function* callsOf(input: FilterInput): Generator<Call> {
  const zeros = [0n, 0n, 0n, 0n, 0n, 0n];
  for (const entry of input.syscalls) {
    for (const args of interestingCalls(entry)) yield { arch: input.auditArch, nr: entry.nr, args };
    yield { arch: OTHER_ARCH, nr: entry.nr, args: zeros };
    for (const nr of [entry.nr - 1, entry.nr + 1, entry.nr + X32])
      if (nr >= 0) yield { arch: input.auditArch, nr, args: zeros };
  }
  for (const nr of [0, 1, X32 - 1, X32, X32 + 1, 0x7fffffff, 0x80000000, 0xffffffff])
    yield { arch: input.auditArch, nr, args: zeros };
}

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom(ALLOW, NOTIFY, KILL),
  fc.integer({ min: 0, max: 4095 }).map(errno),
);

const condition: fc.Arbitrary<Condition> = fc
  .record({
    arg: fc.integer({ min: 0, max: 5 }),
    width: fc.constantFrom(32 as const, 64 as const),
    op: fc.constantFrom<Operator>('eq', 'ne', 'lt', 'ge'),
    // Few values, so that rules of one call meet on the same ones.
    value: fc.oneof(
      fc.constantFrom(0n, 1n, 2n, 0x400n, 0xffff_ffffn, 1n << 32n, (1n << 63n) + 1n),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    ),
    mask: fc.oneof(
      fc.constant(null),
      fc.constantFrom(1n, 0x400n, 0x10400n, 0xffff_0000n, 0xffff_ffff_0000_0000n, 0x8000_0000_8000_0000n),
    ),
  })
  .map(({ arg, width, op, value, mask }) => {
    const all = allBits(width);
    const cut = mask === null || op === 'lt' || op === 'ge' ? all : mask & all;
    const usable = cut === 0n ? all : cut;
    return { arg, width, op, mask: usable, value: value & usable };
  });

const syscall: fc.Arbitrary<Omit<SyscallRules, 'nr'>> = fc.record({
  rules: fc.array(fc.record({ conditions: fc.array(condition, { maxLength: 3 }), action }), { maxLength: 6 }),
  otherwise: action,
  weight: fc.constantFrom(1, 5, 100),
});

export const randomFilter: fc.Arbitrary<FilterInput> = fc
  .record({
    numbers: fc.uniqueArray(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: X32 - 1 })), {
      maxLength: 30,
    }),
    calls: fc.array(syscall, { minLength: 30, maxLength: 30 }),
    foreignArch: action,
    foreignFrom: fc.constantFrom(X32, null),
    unknown: action,
  })
  .map(({ numbers, calls, ...rest }) => ({
    auditArch: ARCH,
    ...rest,
    syscalls: numbers.map((nr, index) => ({ nr, ...calls[index]! })),
  }));
