/** The policy's own examples (`expect`), checked against the plan that it comes to: a policy that misses one is not run. */
import { hostPort } from '../base/host-port.ts';
import type { Plan } from '../plan/plan.ts';
import type { Expectation, Policy } from '../policy/policy.ts';
import { explainConnect } from './explain-connect.ts';
import { explainPath } from './explain-path.ts';
import { explainRequest } from './explain-request.ts';
import { explainSyscall } from './explain-syscall.ts';
import type { CompileProblem } from './input.ts';
import { expandPath } from './listed-paths.ts';

type Outcome = {
  /** `unknown`: what is given does not tell. */
  readonly verdict: 'allow' | 'deny' | 'unknown';
  readonly policy: string | null;
  readonly why: string;
};

export function failedExpectations(
  policy: Policy | null,
  plan: Plan,
  caller: Parameters<typeof expandPath>[1],
): CompileProblem[] {
  return (policy?.expect ?? []).flatMap((expectation): CompileProblem[] => {
    const outcome = evaluate(expectation, plan, caller);
    const { verdict, rule, index, span } = expectation;
    const what = `expect[${index}] (${describe(expectation)})`;
    if (outcome.verdict === 'unknown')
      return [{ message: `${what} cannot be tried: ${outcome.why}`, hint: 'remove it', line: span.line }];
    if (outcome.verdict !== verdict) {
      return [
        {
          message: `${what} should be ${verdict === 'allow' ? 'allowed' : 'denied'}, and is not: ${outcome.why}`,
          hint: 'mend the rules, or the expectation',
          line: span.line,
        },
      ];
    }
    if (rule !== null && outcome.policy !== rule) {
      return [
        {
          message: `${what} should be decided by \`${rule}\`, and is decided by ${outcome.policy === null ? 'no rule' : `\`${outcome.policy}\``}`,
          hint: null,
          line: span.line,
        },
      ];
    }
    return [];
  });
}

function evaluate({ subject }: Expectation, plan: Plan, caller: Parameters<typeof expandPath>[1]): Outcome {
  switch (subject.kind) {
    case 'connect': {
      const answer = explainConnect(plan.egress, subject.host, subject.port, subject.binary);
      if (!answer.ok) return { verdict: 'deny', policy: null, why: answer.error };
      return {
        verdict: answer.value.verdict,
        policy: answer.value.rule?.policy ?? null,
        why: answer.value.why,
      };
    }
    case 'read':
    case 'write': {
      const { verdict, why } = explainPath(plan, expandPath(subject.path, caller), subject.kind);
      return { verdict, policy: null, why };
    }
    case 'syscall': {
      const answer = explainSyscall(plan.seccomp, plan.arch, subject.call);
      if (!answer.ok) return { verdict: 'deny', policy: null, why: answer.error };
      const { verdict, rule } = answer.value;
      return {
        verdict: verdict === 'deny' ? 'deny' : 'allow',
        policy: rule?.name ?? null,
        why: rule?.reason ?? 'the filter allows it',
      };
    }
    case 'request': {
      const answer = explainRequest(plan.egress, subject);
      if (!answer.ok) return { verdict: 'unknown', policy: null, why: `it ${answer.error}` };
      const { verdict, rule, why } = answer.value;
      return { verdict: verdict === 'deny' ? 'deny' : 'allow', policy: rule?.policy ?? null, why };
    }
  }
}

function describe({ subject }: Expectation): string {
  switch (subject.kind) {
    case 'connect':
      return `connect ${hostPort(subject.host, subject.port)}${subject.binary === null ? '' : ` by ${subject.binary}`}`;
    case 'read':
    case 'write':
      return `${subject.kind} ${subject.path}`;
    case 'syscall':
      return `syscall ${subject.call}`;
    case 'request':
      return `request ${subject.method} ${subject.url}${subject.binary === null ? '' : ` by ${subject.binary}`}`;
  }
}
