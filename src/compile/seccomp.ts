/**
 * The system call layer of a plan: one filter for everything below init, and the rows by which the warden answers what
 * the filter hands to it. What is not listed is not there: it gets ENOSYS.
 */
import { errno, NOTIFY } from '../bpf/action.ts';
import { type CompileOptions, compileFilter } from '../bpf/compile.ts';
import type { FilterInput, SyscallRules } from '../bpf/filter.ts';
import { type Arch, AUDIT_ARCH } from '../kernel/arch.ts';
import { ERRNOS } from '../kernel/errno.ts';
import { syscallNumber, X32_SYSCALL_BIT } from '../kernel/syscalls.ts';
import type { NetworkMode, NotifyRow, SeccompPlan, SeccompRule, Tier } from '../plan/plan.ts';
import type { NetlinkMode, Relaxation } from '../policy/policy.ts';
import { ALLOWED_CALLS, CALL_WEIGHTS } from './seccomp-allow.ts';
import * as conditions from './seccomp-conditions.ts';
import { FALL_BACK_CALLS, REFUSED_CALLS, SHARED_NAME_CALLS } from './seccomp-refused.ts';
import { isQuiet, RULES, type RuleName } from './seccomp-rules.ts';
import { addressTreatment, sendTreatment, setsockoptTreatment, socketTreatment } from './seccomp-sockets.ts';
import {
  allow,
  always,
  answer,
  type Decision,
  filterRules,
  notifyRows,
  type RowDraft,
  refuse,
  type Treatment,
} from './seccomp-treatment.ts';

export interface SeccompInput {
  readonly arch: Arch;
  readonly tier: Tier;
  readonly network: NetworkMode;
  /** `line`: where the policy says so; null when it does not. */
  readonly netlink: { readonly mode: NetlinkMode; readonly line: number | null };
  readonly relaxations: readonly { readonly name: Relaxation; readonly line: number | null }[];
  /** 0 without Landlock. */
  readonly landlockAbi: number;
  /**
   * For tests: every refusal, ENOSYS for unknown calls too, answers this errno, so that a probe can tell our filter
   * from the kernel's own refusals. C libraries do not fall back then. Null in every real plan.
   */
  readonly refusalErrno: number | null;
}

/** First ABI with scopes: signals to processes outside the sandbox are refused by the kernel. */
const LANDLOCK_SCOPES = 6;

export function compileSeccomp(input: SeccompInput): SeccompPlan {
  const treatments = seccompTreatments(input);
  const program = compileFilter(filterOf(input, treatments));
  if (!program.ok)
    throw new Error(`internal error: the system call filter does not compile: ${program.error}`);
  return { program: program.value, ...rowsOf(input, treatments) };
}

/** The same filter with some passes left out: for tests and debugging. */
export const compileSeccompProgram = (input: SeccompInput, options: CompileOptions) =>
  compileFilter(seccompFilter(input), options);

/** What the filter is compiled from. */
export const seccompFilter = (input: SeccompInput): FilterInput => filterOf(input, seccompTreatments(input));

type Treatments = ReadonlyMap<string, Treatment>;

function filterOf(input: SeccompInput, treatments: Treatments): FilterInput {
  const syscalls: SyscallRules[] = [];
  for (const [name, treatment] of treatments) {
    const nr = syscallNumber(input.arch, name);
    if (nr !== undefined) syscalls.push(filterRules(nr, treatment, CALL_WEIGHTS[name]));
  }
  return {
    auditArch: AUDIT_ARCH[input.arch],
    foreignArch: NOTIFY,
    foreignFrom: input.arch === 'x86_64' ? X32_SYSCALL_BIT : null,
    syscalls,
    unknown: errno(input.refusalErrno ?? ERRNOS.ENOSYS),
  };
}

/** Every call by its name, also those that this architecture does not have; in a fixed order. */
export function seccompTreatments(input: SeccompInput): Treatments {
  const relaxed = new Set(input.relaxations.map(({ name }) => name));
  const all = new Map<string, Treatment>();
  const put = (name: string, treatment: Treatment): void => {
    if (all.has(name)) throw new Error(`internal error: ${name} is treated twice`);
    all.set(name, input.refusalErrno === null ? treatment : marked(treatment, input.refusalErrno));
  };
  for (const name of ALLOWED_CALLS) put(name, always(allow));
  for (const { rule, calls, unless } of REFUSED_CALLS) {
    const open = unless !== undefined && relaxed.has(unless);
    for (const name of calls) put(name, always(open ? allow : refuse(rule, ERRNOS.EPERM)));
  }
  for (const { rule, calls } of SHARED_NAME_CALLS)
    for (const name of calls)
      put(name, always(input.tier === 'namespaces' ? allow : refuse(rule, ERRNOS.EPERM)));
  for (const name of FALL_BACK_CALLS) put(name, always(answer(ERRNOS.ENOSYS)));
  putSocketCalls(input, put);
  putConditionedCalls(input, relaxed, put);
  return all;
}

type Put = (name: string, treatment: Treatment) => void;

function putSocketCalls(input: SeccompInput, put: Put): void {
  for (const name of ['socket', 'socketpair'] as const) put(name, socketTreatment(name, input.netlink.mode));
  for (const name of ['sendto', 'sendmsg', 'sendmmsg'] as const) put(name, sendTreatment(name));
  for (const name of ['connect', 'bind', 'listen'] as const) put(name, addressTreatment(name, input.network));
  put('setsockopt', setsockoptTreatment());
}

function putConditionedCalls(input: SeccompInput, relaxed: ReadonlySet<Relaxation>, put: Put): void {
  const ownersEscape = input.tier === 'platform' && input.landlockAbi < LANDLOCK_SCOPES;
  const mayFilter = relaxed.has('nested_filters');
  put('memfd_create', conditions.memfdTreatment(relaxed.has('memfd_exec')));
  put('clone', conditions.cloneTreatment());
  put('unshare', conditions.unshareTreatment());
  put('close_range', conditions.closeRangeTreatment());
  put('execveat', conditions.execveatTreatment());
  for (const name of conditions.MODE_CALLS) put(name, conditions.modeTreatment(name));
  for (const name of ['open', 'openat'] as const) put(name, conditions.openTreatment(name));
  put('ioctl', conditions.ioctlTreatment(ownersEscape));
  put('fcntl', conditions.fcntlTreatment(ownersEscape));
  put('prctl', conditions.prctlTreatment(mayFilter));
  put('seccomp', conditions.seccompTreatment(mayFilter));
  put('personality', conditions.personalityTreatment());
  for (const name of conditions.THREAD_CALLS) put(name, conditions.threadTreatment(name));
  put('prlimit64', conditions.prlimitTreatment());
  for (const name of ['setpriority', 'ioprio_set'] as const) put(name, conditions.priorityTreatment(name));
}

/** The treatment with one errno for every refusal. */
function marked(treatment: Treatment, errno: number): Treatment {
  const mark = (decision: Decision): Decision =>
    decision.kind === 'allow' || decision.errno === 0 ? decision : { ...decision, errno };
  return {
    rules: treatment.rules.map(({ when, decision }) => ({ when, decision: mark(decision) })),
    otherwise: mark(treatment.otherwise),
  };
}

/** The warden's rows, and the rules that they name, in the order of the table of rules. */
function rowsOf(input: SeccompInput, treatments: Treatments): Pick<SeccompPlan, 'notify' | 'rules'> {
  const drafts: (RowDraft & Pick<NotifyRow, 'arch' | 'nr'>)[] = [];
  for (const [name, treatment] of treatments) {
    const nr = syscallNumber(input.arch, name);
    if (nr === undefined) continue;
    for (const row of notifyRows(treatment)) drafts.push({ ...row, arch: AUDIT_ARCH[input.arch], nr });
  }
  // Whatever else is handed over comes from another architecture or ABI.
  drafts.push({
    arch: null,
    nr: null,
    arg: null,
    handler: 'refuse',
    errno: input.refusalErrno ?? ERRNOS.EPERM,
    ruleName: 'foreign_abi',
  });
  const used = new Set(drafts.map(({ ruleName }) => ruleName));
  const names = (Object.keys(RULES) as RuleName[]).filter((name) => used.has(name));
  const notify = drafts.map(({ ruleName, ...row }) => ({ ...row, rule: names.indexOf(ruleName) }));
  return { notify, rules: names.map((name) => ruleOf(name, input)) };
}

/** Rules that exist because of a line of the policy, or in a form that it chose. */
const SHAPED_BY: Readonly<Partial<Record<RuleName, Relaxation>>> = { seccomp_listener: 'nested_filters' };

function ruleOf(name: RuleName, input: SeccompInput): SeccompRule {
  const relaxation = input.relaxations.find((one) => one.name === SHAPED_BY[name]);
  const line = name === 'netlink' ? input.netlink.line : (relaxation?.line ?? null);
  return { name, reason: RULES[name].reason, line, quiet: isQuiet(name) };
}
