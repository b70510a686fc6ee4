/**
 * How one system call is treated: ordered clauses, of which the first that fits decides. It becomes two things that must
 * agree: conditions of the filter in the kernel (seccomp.ts), and rows by which the warden finds out what a notification
 * is about (seccomp-notify.ts).
 */
import type { Condition, Place } from '../bpf/condition.ts';
import type { Arch } from '../kernel/arch.ts';
import { syscallArguments } from '../kernel/arguments.ts';
import type { SyscallName } from '../kernel/syscalls.ts';
import type { NetworkMode, NotifyHandler, Tier } from '../plan/plan.ts';
import type { NetlinkMode, Relaxation } from '../policy/policy.ts';
import type { SeccompRuleName } from './seccomp-rules.ts';

export interface SeccompInput {
  readonly arch: Arch;
  readonly tier: Tier;
  readonly network: NetworkMode;
  /** `line`: where the policy says so, or null. */
  readonly netlink: { readonly mode: NetlinkMode; readonly line: number | null };
  readonly relaxations: readonly { readonly name: Relaxation; readonly line: number }[];
  /** Some endpoint is for datagrams: all that may name their destination are asked about, not only sendto(2). */
  readonly datagrams: boolean;
  /** 0: no Landlock. */
  readonly landlockAbi: number;
  /** Test hook: every refusal, ENOSYS for unknown calls included, answers this errno; null: each its own. */
  readonly refusalErrno: number | null;
}

export type Verdict =
  | { readonly kind: 'allow' }
  /** The filter itself answers, and nobody hears of it. */
  | { readonly kind: 'answer'; readonly errno: number; readonly rule: SeccompRuleName }
  | Notified;

/** The warden decides. */
export interface Notified {
  readonly kind: 'notify';
  readonly handler: NotifyHandler;
  readonly errno: number;
  readonly rule: SeccompRuleName;
  /** For `own_thread`: the argument that holds a thread's number. */
  readonly thread: number | null;
}

export interface Clause {
  /** All must hold. */
  readonly when: readonly Condition[];
  readonly verdict: Verdict;
}

export interface Treatment {
  readonly call: SyscallName;
  readonly clauses: readonly Clause[];
  readonly otherwise: Verdict;
}

export const ALLOWED_CALL: Verdict = { kind: 'allow' };

export const answer = (errno: number, rule: SeccompRuleName): Verdict => ({ kind: 'answer', errno, rule });

export const refuse = (errno: number, rule: SeccompRuleName): Notified => ({
  kind: 'notify',
  handler: 'refuse',
  errno,
  rule,
  thread: null,
});

/** Allowed when argument `thread` is the number of a thread of the caller's own process. */
export const ownThread = (thread: number, errno: number, rule: SeccompRuleName): Notified => ({
  kind: 'notify',
  handler: 'own_thread',
  errno,
  rule,
  thread,
});

export const mediate = (
  handler: Exclude<NotifyHandler, 'refuse' | 'own_thread'>,
  errno: number,
  rule: SeccompRuleName,
): Notified => ({
  kind: 'notify',
  handler,
  errno,
  rule,
  thread: null,
});

/** An argument by its name, with the width that the kernel gives it: no rule says a width of its own. */
export function argument(call: SyscallName, name: string): Place {
  const list = syscallArguments(call);
  const arg = list?.findIndex((one) => one.name === name) ?? -1;
  if (list === undefined || arg < 0) throw new Error(`internal error: ${call} has no known argument ${name}`);
  return { arg, width: list[arg]!.width };
}

export const isRelaxed = (input: SeccompInput, name: Relaxation): boolean =>
  input.relaxations.some((relaxation) => relaxation.name === name);

/**
 * Whether signals can only go to processes of the sandbox: the pid namespace has no others, and Landlock
 * holds them from ABI 6 on.
 */
export const signalsStayInside = ({ tier, landlockAbi }: SeccompInput): boolean =>
  tier === 'namespaces' || landlockAbi >= 6;
