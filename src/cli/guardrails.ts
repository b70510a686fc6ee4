/** `--guardrail SOURCE`: rules in Rego on top of the policy. What they need is loaded when there are some. */
import { join, resolve } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import type { Guard } from '../guard/guard.ts';
import { guardSource } from '../guard/source.ts';
import type { Plan } from '../plan/plan.ts';

/** Files that the workload must not write. */
export const guardrailFiles = (sources: readonly string[]): string[] =>
  sources
    .map(guardSource)
    .filter((source) => source.kind === 'file')
    .map(({ path }) => resolve(path));

/** Null: none was named. Errors are sentences. */
export async function openGuardrails(
  sources: readonly string[],
  plan: Plan,
  root: string,
): Promise<Result<Guard | null, string>> {
  if (sources.length === 0) return ok(null);
  if (plan.egress.mode === 'allow')
    return err('with `--network allow` nothing is judged, so no guardrail would be asked');
  const { openGuards } = await import('../guard/guard.late.ts');
  return openGuards(sources, join(root, 'dist', 'guard-worker.cjs'));
}
