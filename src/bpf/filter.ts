/** What the compiler is given: for each system call an ordered list of rules, of which the first that fits decides. */
import { type Action, actionProblem } from './action.ts';
import { type Condition, conditionProblem, holds } from './condition.ts';

export interface Rule {
  /** All must hold; none: the rule always fits. */
  readonly conditions: readonly Condition[];
  readonly action: Action;
}

export interface SyscallRules {
  readonly nr: number;
  readonly rules: readonly Rule[];
  /** When no rule fits. */
  readonly otherwise: Action;
  /** How often it is called, next to others; 1 unless said. Frequent calls are found in fewer steps. */
  readonly weight?: number;
}

export interface FilterInput {
  /** AUDIT_ARCH_* of the architecture that the numbers belong to. */
  readonly auditArch: number;
  /** For calls under any other architecture, and for numbers from `foreignFrom`. */
  readonly foreignArch: Action;
  /** First number of another ABI that shares `auditArch` (x32), or null. */
  readonly foreignFrom: number | null;
  readonly syscalls: readonly SyscallRules[];
  /** For numbers that no entry of `syscalls` has. */
  readonly unknown: Action;
}

/** One system call, as struct seccomp_data holds it. */
export interface Call {
  /** AUDIT_ARCH_* */
  readonly arch: number;
  readonly nr: number;
  /** Up to six 64-bit values; missing ones are 0. */
  readonly args: readonly bigint[];
  /** Address of the instruction; 0 unless said. */
  readonly ip?: bigint;
}

/** What the input says about a call, without any program: the ground against which programs are tested. */
export function decide(input: FilterInput, call: Call): Action {
  if (call.arch !== input.auditArch) return input.foreignArch;
  if (input.foreignFrom !== null && call.nr >= input.foreignFrom) return input.foreignArch;
  const entry = input.syscalls.find(({ nr }) => nr === call.nr);
  if (entry === undefined) return input.unknown;
  const rule = entry.rules.find(({ conditions }) => conditions.every((one) => holds(one, call.args)));
  return rule?.action ?? entry.otherwise;
}

const isWord = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

/** Null when the input makes sense; otherwise what is wrong with it, and where. */
export function inputProblem(input: FilterInput): string | null {
  if (!isWord(input.auditArch)) return `architecture ${input.auditArch} is not a 32-bit value`;
  if (input.foreignFrom !== null && !isWord(input.foreignFrom))
    return `foreignFrom ${input.foreignFrom} is not a 32-bit value`;
  for (const action of [input.foreignArch, input.unknown]) {
    const problem = actionProblem(action);
    if (problem !== null) return problem;
  }
  const seen = new Set<number>();
  for (const entry of input.syscalls) {
    const problem = seen.has(entry.nr) ? 'it has two entries' : syscallProblem(entry, input.foreignFrom);
    if (problem !== null) return `system call ${entry.nr}: ${problem}`;
    seen.add(entry.nr);
  }
  return null;
}

function syscallProblem(entry: SyscallRules, foreignFrom: number | null): string | null {
  if (!isWord(entry.nr)) return 'the number is not a 32-bit value';
  if (foreignFrom !== null && entry.nr >= foreignFrom) return `numbers from ${foreignFrom} are foreign`;
  if (entry.weight !== undefined && !(entry.weight > 0)) return `weight ${entry.weight} is not positive`;
  for (const [index, rule] of entry.rules.entries()) {
    const problem = actionProblem(rule.action) ?? firstProblem(rule.conditions);
    if (problem !== null) return `rule ${index}: ${problem}`;
  }
  return actionProblem(entry.otherwise);
}

function firstProblem(conditions: readonly Condition[]): string | null {
  for (const condition of conditions) {
    const problem = conditionProblem(condition);
    if (problem !== null) return problem;
  }
  return null;
}
