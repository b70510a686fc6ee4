/**
 * The running kernel and our interpreter are asked the same: for every condition of the real filter with values below,
 * at and above it and with bits set that the kernel drops, for other ABIs, and for random filters from a seed. Every
 * action is replaced by an errno of its own, so that no call is really made.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALLOW } from '../../src/bpf/action.ts';
import { PLAIN } from '../../src/bpf/compile.ts';
import type { Call, FilterInput } from '../../src/bpf/filter.ts';
import type { VerifiedProgram } from '../../src/bpf/verify.ts';
import { seccompFilter } from '../../src/compile/seccomp.ts';
import type { SeccompInput } from '../../src/compile/seccomp-clause.ts';
import { AUDIT_ARCH } from '../../src/kernel/arch.ts';
import { syscallNumber } from '../../src/kernel/syscalls.ts';
import { RELAXATIONS } from '../../src/policy/policy.ts';
import { actionOf, callsOf, compiled, filter, randomFilter } from '../bpf/filters.ts';
import { HOST_ARCH, I386, Kernel, markOf, markReturns, unavailable } from './kernel.ts';

const arch = HOST_ARCH ?? 'x86_64';
const NOBODY = { uid: 65534, gid: 65534 };
const isRoot = process.getuid?.() === 0;

/** Numbers that Linux 6.14 and later let pass every filter, since it places the calls itself (kernel/seccomp.c). */
const PASSED = new Set(['uretprobe', 'uprobe'].map((name) => syscallNumber(arch, name)));

const defaults: SeccompInput = {
  arch,
  tier: 'namespaces',
  network: 'proxy',
  netlink: { mode: 'enumerate', line: null },
  datagrams: false,
  relaxations: [],
  landlockAbi: 7,
  refusalErrno: null,
};

const PLANS: readonly (readonly [string, SeccompInput])[] = [
  ['the default plan', defaults],
  [
    'the strictest plan',
    { ...defaults, tier: 'platform', landlockAbi: 5, netlink: { mode: 'deny', line: 1 } },
  ],
  [
    'a plan with every relaxation',
    { ...defaults, network: 'allow', relaxations: RELAXATIONS.map((name) => ({ name, line: 1 })) },
  ],
];

describe.skipIf(unavailable !== null)('a filter in the running kernel', () => {
  let kernel: Kernel;
  beforeAll(() => {
    kernel = new Kernel();
  });
  afterAll(() => kernel.remove());

  /** Compares in one run of the child; gives the number of calls. */
  function compare(program: VerifiedProgram, all: Iterable<Call>, as?: { uid: number; gid: number }): number {
    const calls = [...all].filter(({ nr, arch: of }) => of === I386 || !PASSED.has(nr));
    const answers = kernel.ask({ program: markReturns(program), calls, ...(as === undefined ? {} : { as }) });
    const wrong = calls
      .map((call, index) => ({ call, kernel: answers[index]!, interpreter: markOf(actionOf(program, call)) }))
      .filter((row) => row.kernel !== row.interpreter);
    expect(wrong.slice(0, 5)).toEqual([]);
    return calls.length;
  }

  /** Every number up to the newest, and the interesting calls of every rule; other architectures apart. */
  function* nativeCalls(input: FilterInput): Generator<Call> {
    for (const call of callsOf(input)) if (call.arch === input.auditArch) yield call;
    for (let nr = 0; nr < 520; nr += 1) {
      yield { arch: input.auditArch, nr, args: [] };
      yield { arch: input.auditArch, nr, args: new Array<bigint>(6).fill((1n << 64n) - 1n) };
    }
  }

  it.each(PLANS)('answers for %s as the interpreter does', (_, plan) => {
    const input = seccompFilter(plan);
    expect(compare(compiled(input), nativeCalls(input))).toBeGreaterThan(10_000);
  });

  it('answers alike for the plain program', () => {
    const input = seccompFilter(defaults);
    compare(compiled(input, PLAIN.without), nativeCalls(input));
  });

  it.skipIf(!isRoot)('answers an ordinary user as it answers root', () => {
    const input = seccompFilter(defaults);
    compare(compiled(input), nativeCalls(input), NOBODY);
  });

  it('answers for random filters as the interpreter does', () => {
    for (const input of fc.sample(randomFilter, { numRuns: 40, seed: 20251202 })) {
      const own = { ...input, auditArch: AUDIT_ARCH[arch] };
      for (const without of [[], PLAIN.without!]) compare(compiled(own, without), nativeCalls(own));
    }
  });

  it('drops the high half of an int, which a 64-bit compare would be walked around with', () => {
    const socket = syscallNumber(arch, 'socket')!;
    const program = compiled(seccompFilter(defaults));
    const calls = [40n, 16n, 17n, 31n, 38n].flatMap((family) =>
      [0n, 1n << 32n, 1n << 63n, 0xffff_ffff_0000_0000n].map((high) => ({
        arch: AUDIT_ARCH[arch],
        nr: socket,
        args: [family | high, 1n, 1n],
      })),
    );
    const answers = kernel.ask({ program: markReturns(program), calls });
    expect(new Set(answers)).toEqual(new Set([markOf({ kind: 'notify' })]));
  });

  describe.skipIf(arch !== 'x86_64')('under another ABI', () => {
    /** Allows everything that is native, so that only the ABI can be what refuses. */
    const open = filter(
      Array.from({ length: 520 }, (_, nr) => ({ nr, rules: [], otherwise: ALLOW })),
      { unknown: ALLOW },
    );

    it('refuses every 32-bit call', ({ skip }) => {
      if (!kernel.takesI386) skip('this kernel takes no 32-bit calls');
      const calls = Array.from({ length: 460 }, (_, nr) => ({ arch: I386, nr, args: [1n, 2n, 3n, 4n, 5n] }));
      for (const input of [open, seccompFilter(defaults)]) {
        const answers = new Set(kernel.ask({ program: markReturns(compiled(input)), calls }));
        expect(answers).toEqual(new Set([markOf(input.foreignArch)]));
      }
    });

    it('refuses every x32 call', () => {
      const calls = Array.from({ length: 560 }, (_, nr) => ({
        arch: AUDIT_ARCH.x86_64,
        nr: 0x40000000 + nr,
        args: [],
      }));
      for (const input of [open, seccompFilter(defaults)]) {
        const answers = new Set(kernel.ask({ program: markReturns(compiled(input)), calls }));
        expect(answers).toEqual(new Set([markOf(input.foreignArch)]));
      }
    });
  });
});
