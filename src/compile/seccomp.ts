/**
 * The system call filter of a sandbox: which calls are allowed, which the warden decides or refuses, and which the
 * filter answers itself. What is allowed stands in seccomp-allow.ts, what is refused whatever its arguments are in
 * seccomp-refused.ts, and what depends on them in seccomp-processes.ts, seccomp-files.ts and seccomp-network.ts.
 */
import { type Action, ALLOW, errno, NOTIFY } from '../bpf/action.ts';
import { compileFilter } from '../bpf/compile.ts';
import type { FilterInput, SyscallRules } from '../bpf/filter.ts';
import { AUDIT_ARCH } from '../kernel/arch.ts';
import { ERRNOS } from '../kernel/errno.ts';
import { syscallNumber, X32_SYSCALL_BIT } from '../kernel/syscalls.ts';
import type { SeccompPlan } from '../plan/plan.ts';
import { ALLOWED, CALL_WEIGHTS, IPC } from './seccomp-allow.ts';
import {
  ALLOWED_CALL,
  answer,
  isRelaxed,
  refuse,
  type SeccompInput,
  type Treatment,
  type Verdict,
} from './seccomp-clause.ts';
import { fileTreatments } from './seccomp-files.ts';
import { networkTreatments } from './seccomp-network.ts';
import { FOREIGN_REFUSED, notifyRows, usedRules } from './seccomp-notify.ts';
import { processTreatments } from './seccomp-processes.ts';
import { HIDDEN_FLAGS, REFUSED } from './seccomp-refused.ts';

/** Equal inputs give equal plans. */
export function compileSeccomp(input: SeccompInput): SeccompPlan {
  const treatments = allTreatments(input);
  const compiled = compileFilter(filterInput(input, treatments));
  // The input is ours but for names that the policy's parser has checked.
  if (!compiled.ok) throw new Error(`internal error: the system call filter: ${compiled.error}`);
  const rules = usedRules(input, treatments);
  const index = new Map(rules.map((rule, at) => [rule.name, at]));
  return {
    program: compiled.value,
    notify: notifyRows(input, treatments, (name) => index.get(name)!),
    rules,
  };
}

/** How every call that is not unknown is treated; names that the architecture lacks are among them. */
export function allTreatments(input: SeccompInput): readonly Treatment[] {
  const conditioned = [
    // First, since the warden looks through the rows in order and these are called most.
    ...networkTreatments(input),
    ...fileTreatments(input),
    ...processTreatments(input),
  ];
  const always =
    (otherwise: Verdict) =>
    (call: Treatment['call']): Treatment => ({ call, clauses: [], otherwise });
  return [
    ...conditioned,
    ...REFUSED.flatMap(({ calls, rule, relaxedBy }) => {
      const relaxed = relaxedBy !== undefined && isRelaxed(input, relaxedBy);
      return calls.map(always(relaxed ? ALLOWED_CALL : refuse(ERRNOS.EPERM, rule)));
    }),
    ...IPC.map(always(input.tier === 'namespaces' ? ALLOWED_CALL : refuse(ERRNOS.EPERM, 'ipc'))),
    ...HIDDEN_FLAGS.map(always(answer(ERRNOS.ENOSYS, 'hidden_flags'))),
    ...ALLOWED.filter((call) => !conditioned.some((treated) => treated.call === call)).map(
      always(ALLOWED_CALL),
    ),
  ];
}

/** What the filter of a plan is compiled from, for tests and debugging. */
export const seccompFilter = (input: SeccompInput): FilterInput => filterInput(input, allTreatments(input));

/** The treatments as conditions and actions. */
function filterInput(input: SeccompInput, treatments: readonly Treatment[]): FilterInput {
  const act = (verdict: Verdict): Action => actionOf(verdict, input.refusalErrno);
  return {
    auditArch: AUDIT_ARCH[input.arch],
    foreignArch: act(FOREIGN_REFUSED),
    foreignFrom: input.arch === 'x86_64' ? X32_SYSCALL_BIT : null,
    syscalls: treatments.flatMap(({ call, clauses, otherwise }): SyscallRules[] => {
      const nr = syscallNumber(input.arch, call);
      if (nr === undefined) return [];
      return [
        {
          nr,
          rules: clauses.map(({ when, verdict }) => ({ conditions: when, action: act(verdict) })),
          otherwise: act(otherwise),
          weight: CALL_WEIGHTS[call] ?? 1,
        },
      ];
    }),
    unknown: act(answer(ERRNOS.ENOSYS, 'unknown_syscall')),
  };
}

function actionOf(verdict: Verdict, refusalErrno: number | null): Action {
  switch (verdict.kind) {
    case 'allow':
      return ALLOW;
    case 'notify':
      return NOTIFY;
    case 'answer':
      // 0 is no refusal: the call has no effect, and its caller is to think that it had.
      return errno(verdict.errno === 0 ? 0 : (refusalErrno ?? verdict.errno));
  }
}
