/** Inputs of the system call filter, and every interesting call of one. */
import type { Call, FilterInput } from '../../src/bpf/filter.ts';
import { interestingCalls } from '../../src/bpf/interesting.ts';
import { compileSeccomp } from '../../src/compile/seccomp.ts';
import type { SeccompInput } from '../../src/compile/seccomp-clause.ts';
import { AUDIT_ARCH } from '../../src/kernel/arch.ts';
import { syscallNames, syscallNumber } from '../../src/kernel/syscalls.ts';
import { RELAXATIONS } from '../../src/policy/policy.ts';

export const STANDARD: SeccompInput = {
  arch: 'x86_64',
  tier: 'namespaces',
  network: 'proxy',
  netlink: { mode: 'enumerate', line: null },
  datagrams: false,
  relaxations: [],
  landlockAbi: 7,
  refusalErrno: null,
};

export const ALL_RELAXED = RELAXATIONS.map((name, index) => ({ name, line: 10 + index }));

/** One input for each choice that the filter depends on, alone and with others. */
export const INPUTS: readonly (readonly [string, SeccompInput])[] = [
  ['the standard filter', STANDARD],
  ['aarch64', { ...STANDARD, arch: 'aarch64' }],
  ['the host network', { ...STANDARD, network: 'allow' }],
  ['no network', { ...STANDARD, network: 'block' }],
  ['no netlink', { ...STANDARD, netlink: { mode: 'deny', line: 4 } }],
  ['netlink routes', { ...STANDARD, netlink: { mode: 'route', line: 4 } }],
  ['every relaxation', { ...STANDARD, relaxations: ALL_RELAXED }],
  ['the platform tier', { ...STANDARD, tier: 'platform' }],
  ['the platform tier without Landlock scopes', { ...STANDARD, tier: 'platform', landlockAbi: 5 }],
  ['datagrams that are asked about', { ...STANDARD, datagrams: true }],
  ['a marker errno', { ...STANDARD, refusalErrno: 200 }],
  [
    'aarch64, platform tier, relaxed, marked',
    {
      arch: 'aarch64',
      tier: 'platform',
      network: 'block',
      netlink: { mode: 'deny', line: 1 },
      datagrams: false,
      relaxations: ALL_RELAXED,
      landlockAbi: 0,
      refusalErrno: 201,
    },
  ],
];

/** Calls of one system call that are looked at in each filter; the standard filter is looked at whole. */
const MOST_CALLS = 2000;

/** Calls that reach every condition of a filter from both sides, every known call and some that nobody knows. */
export function* callsOf(filter: FilterInput, arch: SeccompInput['arch'], whole = false): Generator<Call> {
  for (const entry of filter.syscalls) {
    const all = [...interestingCalls(entry)];
    // An odd step meets every value of an argument sooner or later.
    const step = whole ? 1 : 2 * Math.floor(all.length / MOST_CALLS / 2) + 1;
    for (let at = 0; at < all.length; at += step)
      yield { arch: filter.auditArch, nr: entry.nr, args: all[at]! };
  }
  for (const name of syscallNames(arch))
    yield { arch: filter.auditArch, nr: syscallNumber(arch, name)!, args: [] };
  for (const nr of [470, 1000, 0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0x4000_0200, 0x7fff_ffff, 0xffff_ffff])
    yield { arch: filter.auditArch, nr, args: [] };
  for (const foreign of [AUDIT_ARCH.x86_64, AUDIT_ARCH.aarch64, 0x4000_0003, 0, 0xffff_ffff])
    if (foreign !== filter.auditArch)
      for (const nr of [0, 1, 41, 101, 198]) yield { arch: foreign, nr, args: [] };
}

/** Plans are made once per input. */
const plans = new Map<string, ReturnType<typeof compileSeccomp>>();

export function planOf(input: SeccompInput): ReturnType<typeof compileSeccomp> {
  const key = JSON.stringify(input);
  const plan = plans.get(key) ?? compileSeccomp(input);
  plans.set(key, plan);
  return plan;
}
