/** What a plan does with one system call: for `openshell explain` and for the policy's own examples. */
import { err, ok, type Result } from '../base/result.ts';
import type { Call } from '../bpf/filter.ts';
import { run } from '../bpf/interpret.ts';
import { verifyProgram } from '../bpf/verify.ts';
import { type Arch, AUDIT_ARCH } from '../kernel/arch.ts';
import { ERRNOS } from '../kernel/errno.ts';
import { syscallName } from '../kernel/syscalls.ts';
import type { NotifyHandler, SeccompPlan, SeccompRule } from '../plan/plan.ts';
import { parseCall } from './call-expression.ts';
import { notifyRowFor } from './seccomp-notify-row.ts';
import { answeringRule } from './seccomp-rules.ts';

export interface SyscallVerdict {
  /**
   * `allow`: the kernel makes the call. `deny`: it fails with `errno`. `mediated`: what happens is decided when it is
   * made, by the warden (connect, bind, listen, calls on a thread), or it does nothing and says that it did (errno 0).
   */
  readonly verdict: 'allow' | 'deny' | 'mediated';
  /**
   * What the program gets: the errno of `deny`, 0 for a call without effect; of `own_thread` what it gets for a thread
   * of another process. Null for `allow`, and where it depends on the destination.
   */
  readonly errno: number | null;
  /** The rule that decides, or null for `allow`. */
  readonly rule: SeccompRule | null;
  /** Who answers at the warden, or null when the filter decides by itself. */
  readonly handler: NotifyHandler | null;
  /** Instructions that the filter runs for it. */
  readonly steps: number;
}

export interface SyscallExplanation extends SyscallVerdict {
  /** The name of the call as the tables have it. */
  readonly name: string;
}

/** `call` is written as `name(argument, …)`; see `parseCall`. */
export function explainSyscall(
  plan: SeccompPlan,
  arch: Arch,
  call: string,
): Result<SyscallExplanation, string> {
  const parsed = parseCall(call, arch);
  if (!parsed.ok) return parsed;
  const { name, nr, args } = parsed.value;
  const explained = explainCall(plan, arch, { arch: AUDIT_ARCH[arch], nr, args });
  return explained.ok ? ok({ name, ...explained.value }) : explained;
}

/** The same for a call as the kernel hands it over; `arch` is that of the plan, not of the call. */
export function explainCall(plan: SeccompPlan, arch: Arch, call: Call): Result<SyscallVerdict, string> {
  const program = verifyProgram(plan.program);
  if (!program.ok) return err(`the plan's filter cannot be loaded: ${program.error}`);
  const { action, data, steps } = run(program.value, call);
  switch (action) {
    case 'allow':
      return ok({ verdict: 'allow', errno: null, rule: null, handler: null, steps });
    case 'errno': {
      const name = answeringRule(syscallName(arch, call.nr), data);
      const rule = plan.rules.find((one) => one.name === name) ?? null;
      return ok({ verdict: data === 0 ? 'mediated' : 'deny', errno: data, rule, handler: null, steps });
    }
    case 'notify':
      return ok({ ...explainNotified(plan, call), steps });
    default:
      return err(`the plan's filter answers \`${action}\`, which none of ours does`);
  }
}

function explainNotified(plan: SeccompPlan, call: Call): Omit<SyscallVerdict, 'steps'> {
  const row = notifyRowFor(plan.notify, call);
  // A plan of ours has a row for every call; the warden refuses what it finds none for.
  if (row === undefined) return { verdict: 'deny', errno: ERRNOS.EPERM, rule: null, handler: null };
  const { handler } = row;
  return {
    verdict: handler === 'refuse' ? 'deny' : 'mediated',
    errno: handler === 'refuse' || handler === 'own_thread' ? row.errno : null,
    rule: plan.rules[row.rule] ?? null,
    handler,
  };
}
