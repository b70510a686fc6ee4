/**
 * How one system call is treated: an ordered list of rules, of which the first that fits decides. It becomes two things
 * that must agree: rules for the filter in the kernel, and rows by which the warden tells refusals apart.
 */
import { type Action, ALLOW, errno, NOTIFY } from '../bpf/action.ts';
import { allBits, type Condition, type Place } from '../bpf/condition.ts';
import type { SyscallRules } from '../bpf/filter.ts';
import { type ConditionedSyscall, syscallArguments } from '../kernel/arguments.ts';
import type { NotifyHandler, NotifyRow } from '../plan/plan.ts';
import type { RuleName } from './seccomp-rules.ts';

export type Decision =
  | { readonly kind: 'allow' }
  /** By the filter itself: no event. 0 does nothing and answers success. */
  | { readonly kind: 'answer'; readonly errno: number }
  /** By the warden, with an event where it refuses; `errno` is what a refusal answers. */
  | {
      readonly kind: 'ask';
      readonly handler: NotifyHandler;
      readonly rule: RuleName;
      readonly errno: number;
    };

export interface Treatment {
  readonly rules: readonly { readonly when: readonly Condition[]; readonly decision: Decision }[];
  readonly otherwise: Decision;
}

export const allow: Decision = { kind: 'allow' };
export const answer = (number: number): Decision => ({ kind: 'answer', errno: number });
export const refuse = (rule: RuleName, number: number): Decision => ({
  kind: 'ask',
  handler: 'refuse',
  rule,
  errno: number,
});

export const always = (decision: Decision): Treatment => ({ rules: [], otherwise: decision });

/** An argument by its name, with the width that the kernel gives it. A name that is not there is a defect of ours. */
export function argument(call: ConditionedSyscall, name: string): Place {
  const list = syscallArguments(call)!;
  const index = list.findIndex((one) => one.name === name);
  if (index < 0) throw new Error(`internal error: ${call} has no argument ${name}`);
  return { arg: index, width: list[index]!.width };
}

/** The treatment as the compiler of filters takes it. */
export function filterRules(nr: number, treatment: Treatment, weight: number | undefined): SyscallRules {
  const rules = treatment.rules.map(({ when, decision }) => ({
    conditions: when,
    action: actionOf(decision),
  }));
  return { nr, rules, otherwise: actionOf(treatment.otherwise), ...(weight === undefined ? {} : { weight }) };
}

function actionOf(decision: Decision): Action {
  switch (decision.kind) {
    case 'allow':
      return ALLOW;
    case 'answer':
      return errno(decision.errno);
    case 'ask':
      return NOTIFY;
  }
}

type Asked = Extract<Decision, { kind: 'ask' }>;
/** A row before its rule has a number and its call an architecture. */
export type RowDraft = Pick<NotifyRow, 'arg' | 'handler' | 'errno'> & { readonly ruleName: RuleName };

/**
 * Rows that give each notified call the decision that its rule made, in order. A row can ask one question only, so a
 * rule with several conditions must be the last that asks, where no question is needed: the filter has asked already.
 */
export function notifyRows(treatment: Treatment): readonly RowDraft[] {
  const asking = [...treatment.rules, { when: [], decision: treatment.otherwise }].filter(
    (rule): rule is { when: readonly Condition[]; decision: Asked } => rule.decision.kind === 'ask',
  );
  const last = asking.at(-1);
  if (last === undefined) return [];
  const before = asking.slice(0, -1);
  // Rules in a row that decide alike need no telling apart.
  while (before.length > 0 && sameDecision(before.at(-1)!.decision, last.decision)) before.pop();
  const rows = before.flatMap(({ when, decision }) => {
    if (when.length !== 1)
      throw new Error('internal error: the warden cannot tell a rule of several conditions apart');
    return questions(when[0]!).map((arg) => rowFor(decision, arg));
  });
  return [...rows, rowFor(last.decision, null)];
}

const rowFor = (decision: Asked, arg: NotifyRow['arg']): RowDraft => ({
  arg,
  handler: decision.handler,
  errno: decision.errno,
  ruleName: decision.rule,
});

const sameDecision = (a: Asked, b: Asked): boolean =>
  a.handler === b.handler && a.rule === b.rule && a.errno === b.errno;

/** Questions of the form `(arg & mask) == value` of which at least one holds exactly when the condition does. */
function questions(condition: Condition): readonly NonNullable<NotifyRow['arg']>[] {
  const { arg: index, op, mask, value } = condition;
  if ((op !== 'eq' && op !== 'ne') || mask > allBits(32))
    throw new Error(`internal error: the warden cannot ask \`${op}\` under mask ${mask}`);
  if (op === 'eq') return [{ index, mask: Number(mask), value: Number(value) }];
  const rows: { index: number; mask: number; value: number }[] = [];
  // Different in at least one bit.
  for (let bit = 1n; bit <= mask; bit <<= 1n)
    if ((mask & bit) !== 0n) rows.push({ index, mask: Number(bit), value: Number(~value & bit) });
  return rows;
}
