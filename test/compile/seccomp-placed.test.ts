import { describe, expect, it } from 'vitest';
import { allTreatments } from '../../src/compile/seccomp.ts';
import { ABSENT, ALLOWED, CALL_WEIGHTS } from '../../src/compile/seccomp-allow.ts';
import { answeringRule, SECCOMP_RULES } from '../../src/compile/seccomp-rules.ts';
import { syscallNames } from '../../src/kernel/syscalls.ts';
import { INPUTS, planOf, STANDARD } from './seccomp-plans.ts';

describe('every system call', () => {
  it.each(['x86_64', 'aarch64'] as const)('of %s has been placed by somebody, once', (arch) => {
    const placed = [...allTreatments({ ...STANDARD, arch }).map(({ call }) => call), ...ABSENT];
    const missing = syscallNames(arch).filter((name) => !placed.includes(name));
    expect(missing).toEqual([]);
    expect(new Set(placed).size).toBe(placed.length);
  });

  it('that has a weight is one that is treated', () => {
    const treated = new Set<string>(allTreatments(STANDARD).map(({ call }) => call));
    expect(Object.keys(CALL_WEIGHTS).filter((name) => !treated.has(name))).toEqual([]);
  });

  it('that is allowed whatever its arguments are is told from others by its number alone', () => {
    // The kernel skips the filter for such calls. One that is condition-free but not on the list would be a mistake too.
    const free = allTreatments(STANDARD).filter(
      ({ clauses, otherwise }) => clauses.length === 0 && otherwise.kind === 'allow',
    );
    expect(free.map(({ call }) => call)).toEqual(expect.arrayContaining([...ALLOWED]));
  });
});

describe('every rule', () => {
  it('is used by some plan', () => {
    const used = new Set(INPUTS.flatMap(([, input]) => planOf(input).rules.map(({ name }) => name)));
    expect(Object.keys(SECCOMP_RULES).filter((name) => !used.has(name))).toEqual([]);
  });

  it.each(Object.entries(SECCOMP_RULES))('%s gives a reason that fits on a line', (name, { reason }) => {
    expect(name).toMatch(/^[a-z0-9_]+$/);
    expect(reason.length).toBeLessThanOrEqual(120);
    expect(reason).toMatch(/^[a-zA-Z].*[^.]$/);
  });

  it('that the filter answers by itself is found again by call and errno', () => {
    for (const { call, clauses, otherwise } of allTreatments(STANDARD))
      for (const verdict of [...clauses.map((clause) => clause.verdict), otherwise])
        if (verdict.kind === 'answer') expect(answeringRule(call, verdict.errno), call).toBe(verdict.rule);
    expect(answeringRule(undefined, 38)).toBe('unknown_syscall');
  });
});
