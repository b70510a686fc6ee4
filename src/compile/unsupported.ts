/** Parts of a valid policy that this version cannot enforce: a run refuses them, it never ignores them. */
import type { Endpoint, Policy } from '../policy/policy.ts';
import type { CompileProblem } from './input.ts';

export function unsupported(policy: Policy | null): CompileProblem[] {
  if (policy === null) return [];
  const problems: CompileProblem[] = [];
  for (const { endpoints, key } of policy.network) {
    for (const endpoint of endpoints) {
      const what = needed(endpoint);
      if (what !== null) {
        problems.push({
          message: `network_policies.${key}: ${what.text} cannot be enforced by this version`,
          hint: 'remove it',
          line: what.line,
        });
      }
    }
  }
  for (const { key, span } of policy.middlewares) {
    problems.push({
      message: `network_middlewares.${key}: middlewares are not run by openshell`,
      hint: 'remove the entry',
      line: span.line,
    });
  }
  return problems;
}

/** Statements of databases are not read. */
function needed({ protocol }: Endpoint): { text: string; line: number } | null {
  return protocol?.value === 'sql' ? { text: '`protocol: sql`', line: protocol.span.line } : null;
}
