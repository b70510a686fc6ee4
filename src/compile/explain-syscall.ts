/** What a plan does with one system call: for `openshell explain` and for the policy's own examples. */
import { err, ok, type Result } from '../base/result.ts';
import type { Call } from '../bpf/filter.ts';
import { run } from '../bpf/interpret.ts';
import { verifyProgram } from '../bpf/verify.ts';
import { type Arch, AUDIT_ARCH } from '../kernel/arch.ts';
import type { NotifyHandler, SeccompPlan, SeccompRule } from '../plan/plan.ts';
import { parseCall } from './call-expression.ts';
import { notifyRowFor } from './seccomp-notify-row.ts';

export interface SyscallExplanation {
  /** The name of the call as the tables have it. */
  readonly name: string;
  /**
   * `allow`: the kernel makes the call. `deny`: it fails with `errno`. `mediated`: it is made, refused or answered by
   * somebody else, by what is known then: the warden for connect, the filter for a call that does nothing (errno 0).
   */
  readonly verdict: 'allow' | 'deny' | 'mediated';
  /** What the program gets, or null when that is open. */
  readonly errno: number | null;
  /** The rule that decides; null for what the filter answers by itself, as ENOSYS for unknown calls. */
  readonly rule: SeccompRule | null;
  readonly handler: NotifyHandler | null;
  /** Instructions that the filter runs for it. */
  readonly steps: number;
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
  const explained = explainCall(plan, { arch: AUDIT_ARCH[arch], nr, args });
  return explained.ok ? ok({ name, ...explained.value }) : explained;
}

/** The same for a call as the kernel hands it over. */
export function explainCall(plan: SeccompPlan, call: Call): Result<Omit<SyscallExplanation, 'name'>, string> {
  const program = verifyProgram(plan.program);
  if (!program.ok) return err(`the plan's filter cannot be loaded: ${program.error}`);
  const { action, data, steps } = run(program.value, call);
  switch (action) {
    case 'allow':
    case 'log':
      return ok({ verdict: 'allow', errno: null, rule: null, handler: null, steps });
    case 'errno':
      return ok({ verdict: data === 0 ? 'mediated' : 'deny', errno: data, rule: null, handler: null, steps });
    case 'notify':
      return ok({ ...explainNotified(plan, call), steps });
    default:
      return ok({ verdict: 'deny', errno: null, rule: null, handler: null, steps });
  }
}

function explainNotified(plan: SeccompPlan, call: Call): Omit<SyscallExplanation, 'name' | 'steps'> {
  const row = notifyRowFor(plan.notify, call);
  // The warden refuses what no row is for.
  if (row === undefined) return { verdict: 'deny', errno: null, rule: null, handler: null };
  const refused = row.handler === 'refuse';
  return {
    verdict: refused ? 'deny' : 'mediated',
    errno: refused ? row.errno : null,
    rule: plan.rules[row.rule] ?? null,
    handler: row.handler,
  };
}
