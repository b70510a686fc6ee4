/** Compiles policy text for the pretended host. */
import { compile } from '../../src/compile/compile.ts';
import { type CompileProblem, NO_REQUEST, type OperatorRequest } from '../../src/compile/input.ts';
import type { HostFacts } from '../../src/plan/facts.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { parsePolicy } from '../../src/policy/check.ts';
import { pretendedHost } from './pretended-host.ts';

export interface Asked {
  readonly operator?: Partial<OperatorRequest>;
  readonly facts?: HostFacts;
  readonly file?: string;
}

export function tryCompile(
  text: string | null,
  asked: Asked = {},
): { plan: Plan | null; problems: readonly CompileProblem[] } {
  const parsed = text === null ? null : parsePolicy(text);
  if (parsed !== null && parsed.policy === null)
    throw new Error(parsed.issues.map(({ message }) => message).join('\n'));
  const result = compile({
    policy: parsed?.policy ?? null,
    source: { file: text === null ? null : (asked.file ?? 'policy.yaml') },
    operator: { ...NO_REQUEST, ...asked.operator },
    facts: asked.facts ?? pretendedHost(),
  });
  return result.ok ? { plan: result.value, problems: [] } : { plan: null, problems: result.error };
}

export function compiled(text: string | null, asked: Asked = {}): Plan {
  const { plan, problems } = tryCompile(text, asked);
  if (plan === null) throw new Error(problems.map(({ message }) => message).join('\n'));
  return plan;
}
