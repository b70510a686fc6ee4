/** The rows by which the warden finds out what a notification is about, and the rules that they and the filter name. */
import { allBits, type Condition } from '../bpf/condition.ts';
import { AUDIT_ARCH } from '../kernel/arch.ts';
import { ERRNOS } from '../kernel/errno.ts';
import { syscallNumber } from '../kernel/syscalls.ts';
import type { NotifyQuestion, NotifyRow, SeccompRule } from '../plan/plan.ts';
import { MAX_QUESTIONS } from '../plan/wire.ts';
import type { Relaxation } from '../policy/policy.ts';
import { type Clause, type Notified, refuse, type SeccompInput, type Treatment } from './seccomp-clause.ts';
import { ruleText, SECCOMP_RULES, type SeccompRuleName } from './seccomp-rules.ts';

/** Calls under another architecture or ABI: no row for a native call fits them, so theirs is the last. */
export const FOREIGN_REFUSED = refuse(ERRNOS.EPERM, 'foreign_abi');
const FOREIGN: RowSketch = { questions: [], verdict: FOREIGN_REFUSED };

export function notifyRows(
  input: SeccompInput,
  treatments: readonly Treatment[],
  ruleIndex: (name: SeccompRuleName) => number,
): readonly NotifyRow[] {
  const toRow = ({ questions, verdict }: RowSketch, arch: number | null, nr: number | null): NotifyRow => ({
    arch,
    nr,
    questions,
    thread: verdict.thread,
    handler: verdict.handler,
    errno: input.refusalErrno ?? verdict.errno,
    rule: ruleIndex(verdict.rule),
  });
  const native = treatments.flatMap((treatment) => {
    const nr = syscallNumber(input.arch, treatment.call);
    if (nr === undefined) return [];
    return sketches(treatment).map((sketch) => toRow(sketch, AUDIT_ARCH[input.arch], nr));
  });
  return [...native, toRow(FOREIGN, null, null)];
}

/** A row before its call has a number and its rule an index. */
interface RowSketch {
  readonly questions: readonly NotifyQuestion[];
  readonly verdict: Notified;
}

/** Rows that give each notified call the verdict of its clause, in the order of the clauses. */
function sketches({ call, clauses, otherwise }: Treatment): readonly RowSketch[] {
  const notified = [...clauses, { when: [], verdict: otherwise }].filter(
    (clause): clause is Clause & { verdict: Notified } => clause.verdict.kind === 'notify',
  );
  const last = notified.at(-1);
  if (last === undefined) return [];
  const before = notified.slice(0, -1);
  // Neighbours with one verdict need no telling apart.
  while (before.length > 0 && sameVerdict(before.at(-1)!.verdict, last.verdict)) before.pop();
  const rows = before.flatMap(({ when, verdict }) => {
    if (when.length === 0 || when.length > MAX_QUESTIONS)
      throw new Error(`internal error: the warden cannot tell apart what ${call} is notified for`);
    return together(when.map(questions)).map((asked) => ({ questions: asked, verdict }));
  });
  return [...rows, { questions: [], verdict: last.verdict }];
}

/** One of each, in every way. */
const together = (alternatives: readonly (readonly NotifyQuestion[])[]): readonly NotifyQuestion[][] =>
  alternatives.reduce<NotifyQuestion[][]>(
    (rows, more) => rows.flatMap((row) => more.map((question) => [...row, question])),
    [[]],
  );

const sameVerdict = (a: Notified, b: Notified): boolean =>
  a.handler === b.handler && a.errno === b.errno && a.rule === b.rule && a.thread === b.thread;

/** Questions `(argument & mask) == value` of which at least one is answered yes exactly when the condition holds. */
function questions({ arg, op, mask, value }: Condition): readonly NotifyQuestion[] {
  if ((op !== 'eq' && op !== 'ne') || mask > allBits(32))
    throw new Error(`internal error: the warden cannot ask \`${op}\` under mask ${mask}`);
  if (op === 'eq') return [{ index: arg, mask: Number(mask), value: Number(value) }];
  // Not equal: different in at least one bit.
  return Array.from({ length: 32 }, (_, shift) => 1n << BigInt(shift))
    .filter((bit) => (mask & bit) !== 0n)
    .map((bit) => ({ index: arg, mask: Number(bit), value: Number(~value & bit) }));
}

/** The rules that a plan names, in the order of the table, so that equal plans number them alike. */
export function usedRules(input: SeccompInput, treatments: readonly Treatment[]): readonly SeccompRule[] {
  const used = new Set<SeccompRuleName>(['unknown_syscall', 'foreign_abi', 'unobservable']);
  for (const { call, clauses, otherwise } of treatments) {
    if (syscallNumber(input.arch, call) === undefined) continue;
    for (const verdict of [...clauses.map((clause) => clause.verdict), otherwise])
      if (verdict.kind !== 'allow') used.add(verdict.rule);
  }
  const names = Object.keys(SECCOMP_RULES) as SeccompRuleName[];
  return names
    .filter((name) => used.has(name))
    .map((name) => ({
      name,
      reason: ruleText(name).reason,
      line: ruleLine(input, name),
      quiet: ruleText(name).quiet === true,
    }));
}

/** Relaxations that open a part of what a rule is about and leave the rule. */
const SHAPES: Partial<Readonly<Record<SeccompRuleName, Relaxation>>> = { nested_filters: 'nested_filters' };

function ruleLine(input: SeccompInput, name: SeccompRuleName): number | null {
  if (name === 'netlink') return input.netlink.line;
  return input.relaxations.find((relaxation) => relaxation.name === SHAPES[name])?.line ?? null;
}
