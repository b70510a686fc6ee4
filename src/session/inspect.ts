/** Looks at a policy file without running it: complaints, warnings about this host, and the plan when there is one. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Issue } from '../base/source.ts';
import { type BinaryFact, type HostWarning, hostWarnings } from '../compile/host-check.ts';
import type { CompileProblem, OperatorRequest } from '../compile/input.ts';
import { listedPaths } from '../compile/listed-paths.ts';
import { shownPaths } from '../compile/shown-paths.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';
import { parsePolicy } from '../policy/check.ts';
import type { Policy } from '../policy/policy.ts';
import type { Installation } from '../probe/installation.ts';
import type { PolicyFile } from './policy-file.ts';
import { compileFor } from './prepare-anew.ts';

export interface Inspection {
  readonly issues: readonly Issue[];
  readonly hostWarnings: readonly HostWarning[];
  /** Why a run would be refused, besides what `issues` say. */
  readonly problems: readonly CompileProblem[];
  readonly plan: Plan | null;
}

export interface InspectInput {
  readonly policy: PolicyFile;
  readonly operator: OperatorRequest;
  readonly workdir: string;
  readonly installation: Installation;
}

export function inspect(input: InspectInput): Inspection {
  const { policy, issues } = parsePolicy(input.policy.text);
  if (policy === null) return { issues, hostWarnings: [], problems: [], plan: null };
  const prepareInput = { ...input, ownFiles: [] };
  const { result, facts } = compileFor(prepareInput, policy);
  const shown = shownPaths(
    listedPaths({ policy, operator: input.operator, facts }),
    facts,
    input.operator.home,
  );
  return {
    issues,
    hostWarnings: hostWarnings(policy, shown.paths, binaryFacts(policy, facts)),
    problems: result.ok ? [] : result.error,
    plan: result.ok ? result.value : null,
  };
}

function binaryFacts(policy: Policy, facts: HostFacts): Map<string, BinaryFact> {
  const found = new Map<string, BinaryFact>();
  for (const { path } of policy.network.flatMap(({ binaries }) => binaries)) {
    const fact = facts.paths.byPath.get(path);
    if (fact !== undefined)
      found.set(path, { fact, interpreter: fact.kind === 'file' ? interpreterOf(fact.canonical) : null });
  }
  return found;
}

/** The interpreter that a `#!` line names (execve(2)), or null. */
function interpreterOf(path: string): string | null {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(256);
      const text = bytes.toString('latin1', 0, readSync(fd, bytes));
      return /^#![ \t]*(\S+)/.exec(text)?.[1] ?? null;
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}
