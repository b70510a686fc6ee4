import { describe, expect, it } from 'vitest';
import { compileFilter, PLAIN } from '../../src/bpf/compile.ts';
import { holds } from '../../src/bpf/condition.ts';
import { type Call, decide, type FilterInput } from '../../src/bpf/filter.ts';
import { run } from '../../src/bpf/interpret.ts';
import { PASSES } from '../../src/bpf/passes.ts';
import { type VerifiedProgram, verifyProgram } from '../../src/bpf/verify.ts';
import { allTreatments, compileSeccomp, seccompFilter } from '../../src/compile/seccomp.ts';
import type { SeccompInput, Treatment, Verdict } from '../../src/compile/seccomp-clause.ts';
import { notifyRowFor } from '../../src/compile/seccomp-notify-row.ts';
import { syscallName, syscallNumber } from '../../src/kernel/syscalls.ts';
import type { SeccompPlan } from '../../src/plan/plan.ts';
import { MAX_QUESTIONS } from '../../src/plan/wire.ts';
import { callsOf, INPUTS, planOf, STANDARD } from './seccomp-plans.ts';

const verified = (program: SeccompPlan['program']): VerifiedProgram => {
  const checked = verifyProgram(program);
  if (!checked.ok) throw new Error(checked.error);
  return checked.value;
};

const show = (call: Call): string => `${call.arch.toString(16)} ${call.nr}(${call.args.join(', ')})`;

/** What the treatments say, without any program or row. */
function verdictFor(
  treatments: readonly Treatment[],
  input: SeccompInput,
  filter: FilterInput,
  call: Call,
): Verdict {
  const foreign: Verdict = { kind: 'notify', handler: 'refuse', errno: 1, rule: 'foreign_abi', thread: null };
  if (call.arch !== filter.auditArch) return foreign;
  if (filter.foreignFrom !== null && call.nr >= filter.foreignFrom) return foreign;
  const name = syscallName(input.arch, call.nr);
  const treatment = treatments.find((one) => one.call === name);
  if (treatment === undefined) return { kind: 'answer', errno: 38, rule: 'unknown_syscall' };
  const clause = treatment.clauses.find(({ when }) => when.every((condition) => holds(condition, call.args)));
  return clause?.verdict ?? treatment.otherwise;
}

describe.each(INPUTS)('%s', (_, input) => {
  const plan = planOf(input);
  const filter = seccompFilter(input);
  const program = verified(plan.program);

  it('has a program that does to every interesting call what the filter says', () => {
    let calls = 0;
    for (const call of callsOf(filter, input.arch, input === STANDARD)) {
      const action = decide(filter, call);
      const outcome = run(program, call);
      const same =
        outcome.action === action.kind && (action.kind !== 'errno' || outcome.data === action.errno);
      if (!same) throw new Error(`${show(call)}: ${outcome.action} ${outcome.data}, not ${action.kind}`);
      calls += 1;
    }
    expect(calls).toBeGreaterThan(1000);
  });

  it('has a row for every notified call, which answers what the treatment of the call says', () => {
    const treatments = allTreatments(input);
    let notified = 0;
    for (const call of callsOf(filter, input.arch)) {
      if (run(program, call).action !== 'notify') continue;
      notified += 1;
      const verdict = verdictFor(treatments, input, filter, call);
      const row = notifyRowFor(plan.notify, call);
      if (verdict.kind !== 'notify' || row === undefined)
        throw new Error(`no row or no verdict: ${show(call)}`);
      const rule = plan.rules[row.rule]?.name;
      const found = [row.handler, row.errno, rule, row.thread];
      const wanted = [verdict.handler, input.refusalErrno ?? verdict.errno, verdict.rule, verdict.thread];
      if (found.join() !== wanted.join()) throw new Error(`${show(call)}: ${found}, not ${wanted}`);
    }
    expect(notified).toBeGreaterThan(100);
  });

  it('has rows that the launcher can hold, and rules that some row or answer names', () => {
    expect(plan.notify.length).toBeLessThanOrEqual(1024);
    for (const { questions } of plan.notify) {
      expect(questions.length).toBeLessThanOrEqual(MAX_QUESTIONS);
      for (const { index, mask, value } of questions) {
        expect(index).toBeLessThan(6);
        for (const word of [mask, value]) expect(word >>> 0).toBe(word);
        expect((value & ~mask) >>> 0).toBe(0);
      }
    }
    expect(new Set(plan.rules.map(({ name }) => name)).size).toBe(plan.rules.length);
  });

  it('compiles to the same plan again', () => {
    expect(JSON.stringify(compileSeccomp(input))).toBe(JSON.stringify(plan));
  });
});

describe('the marker errno', () => {
  it('replaces the errno of every refusal, and neither allows nor refuses anything else', () => {
    const marked = planOf({ ...STANDARD, refusalErrno: 200 });
    const [plain, other] = [verified(planOf(STANDARD).program), verified(marked.program)];
    for (const call of callsOf(seccompFilter(STANDARD), 'x86_64')) {
      const [before, after] = [run(plain, call), run(other, call)];
      const data = before.action === 'errno' && before.data !== 0 ? 200 : before.data;
      if (after.action !== before.action || after.data !== data) throw new Error(show(call));
    }
    expect(new Set(marked.notify.map(({ errno }) => errno))).toEqual(new Set([200]));
  });
});

describe('passes', () => {
  const filter = seccompFilter(STANDARD);
  const whole = verified(planOf(STANDARD).program);
  const sample = [...callsOf(filter, 'x86_64')];

  it.each([
    ...PASSES.map(({ name }) => [name, { without: [name] }] as const),
    ['any of them', PLAIN] as const,
  ])('decide the same without %s', (_, options) => {
    const compiled = compileFilter(filter, options);
    if (!compiled.ok) throw new Error(compiled.error);
    const program = verified(compiled.value);
    for (const call of sample) {
      const [one, other] = [run(whole, call), run(program, call)];
      if (one.action !== other.action || one.data !== other.data) throw new Error(show(call));
    }
  });
});

describe('numbers', () => {
  it('treats no call twice, and only calls that exist on some architecture', () => {
    const names = allTreatments(STANDARD).map(({ call }) => call);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names)
      expect(syscallNumber('x86_64', name) ?? syscallNumber('aarch64', name), name).toBeDefined();
  });
});
