/** The rows by which the warden finds out what a notification is about, and the rules that they and the filter name. */
import { AUDIT_ARCH } from '../kernel/arch.ts';
import { ERRNOS } from '../kernel/errno.ts';
import { syscallNumber } from '../kernel/syscalls.ts';
import type { NotifyRow, SeccompRule } from '../plan/plan.ts';
import type { Relaxation } from '../policy/policy.ts';
import {
  type Notified,
  type RowSketch,
  refuse,
  type SeccompInput,
  type Treatment,
} from './seccomp-clause.ts';
import { ruleText, SECCOMP_RULES, type SeccompRuleName } from './seccomp-rules.ts';

/** Calls under another architecture or ABI: no row for a native call fits them, so theirs is the last. */
export const FOREIGN_REFUSED = refuse(ERRNOS.EPERM, 'foreign_abi');
const FOREIGN: RowSketch = { when: null, verdict: FOREIGN_REFUSED };

export function notifyRows(
  input: SeccompInput,
  treatments: readonly Treatment[],
  ruleIndex: (name: SeccompRuleName) => number,
): readonly NotifyRow[] {
  const toRow = ({ when, verdict }: RowSketch, arch: number | null, nr: number | null): NotifyRow => ({
    arch,
    nr,
    arg: verdict.thread === null ? when : { index: verdict.thread, mask: 0, value: 0 },
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

/** Verdicts of a treatment that the warden gives, each once. */
function notified({ clauses, otherwise }: Treatment): readonly Notified[] {
  const found: Notified[] = [];
  for (const verdict of [...clauses.map((clause) => clause.verdict), otherwise]) {
    if (verdict.kind === 'notify' && !found.some((known) => sameVerdict(known, verdict))) found.push(verdict);
  }
  return found;
}

const sameVerdict = (a: Notified, b: Notified): boolean =>
  a.handler === b.handler && a.errno === b.errno && a.rule === b.rule && a.thread === b.thread;

function sketches(treatment: Treatment): readonly RowSketch[] {
  const verdicts = notified(treatment);
  const { call, rows } = treatment;
  if (rows === undefined) {
    if (verdicts.length > 1)
      throw new Error(`internal error: ${call} is notified for several reasons and has no rows`);
    return verdicts.map((verdict) => ({ when: null, verdict }));
  }
  for (const { when, verdict } of rows)
    if (when !== null && verdict.thread !== null)
      throw new Error(`internal error: a row of ${call} has a condition and a thread`);
  return rows;
}

/** The rules that a plan names, in the order of the table, so that equal plans number them alike. */
export function usedRules(input: SeccompInput, treatments: readonly Treatment[]): readonly SeccompRule[] {
  const used = new Set<SeccompRuleName>(['unknown_syscall', 'foreign_abi']);
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
