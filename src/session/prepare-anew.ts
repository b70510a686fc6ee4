/** Preparing a run that was not prepared before: parses the policy, looks at the host's paths and compiles. */
import { err, ok, type Result } from '../base/result.ts';
import type { Severity } from '../base/source.ts';
import { compile } from '../compile/compile.ts';
import type { CompileProblem } from '../compile/input.ts';
import { pathsOfInterest, writableRoots } from '../compile/questions.ts';
import { encodePlan } from '../plan/encode.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import { writeCache } from '../probe/cache.ts';
import { lookAt, type Observations } from '../probe/paths.ts';
import { findRepositories } from '../probe/repositories.ts';
import { hostFactsFor } from './host-facts.ts';
import type { PolicyFile } from './policy-file.ts';
import {
  PLAN_CACHE,
  type Prepared,
  type PrepareFailure,
  type PrepareInput,
  type Remembered,
} from './prepared.ts';
import { knownFilter } from './shipped-filters.ts';

export interface PreparedAnew extends Prepared {
  /** What the plan rests on. */
  readonly observations: Observations;
}

/** Prepares, and keeps the result for the next time under `key`. */
export async function prepareAndRemember(
  input: PrepareInput,
  key: string,
): Promise<Result<Prepared, PrepareFailure>> {
  const prepared = await prepareAnew(input);
  if (!prepared.ok) return prepared;
  const { observations, ...rest } = prepared.value;
  writeCache(PLAN_CACHE, key, JSON.stringify({ observations, prepared: rest } satisfies Remembered));
  return ok(rest);
}

export async function prepareAnew(input: PrepareInput): Promise<Result<PreparedAnew, PrepareFailure>> {
  const parsed = await parse(input.policy);
  if (!parsed.ok) return parsed;
  const { result, observations } = compileFor(input, parsed.value.policy);
  if (!result.ok)
    return err({ lines: result.error.map((problem) => renderProblem(problem, input.policy?.name ?? null)) });
  const document = Buffer.from(encodePlan(result.value, (text) => Buffer.from(text, 'utf8'))).toString(
    'base64',
  );
  return ok({ plan: result.value, document, warnings: parsed.value.warnings, observations });
}

export interface Compiled {
  readonly result: Result<Plan, readonly CompileProblem[]>;
  readonly facts: HostFacts;
  readonly observations: Observations;
}

export function compileFor(input: PrepareInput, policy: Policy | null): Compiled {
  const { operator, refusalErrno } = input;
  const host = hostFactsFor(input);
  const request = { policy, operator };
  const repositories = findRepositories(writableRoots(request, host.caller));
  const look = lookAt(pathsOfInterest(request, host.caller, host.ownFiles, repositories.found));
  const facts = { ...host, repositories, paths: look.facts };
  const source = { file: input.policy?.name ?? null };
  const hook = refusalErrno === undefined ? {} : { refusalErrno };
  const shipped = { knownFilter: knownFilter(input.installation.root) };
  return {
    result: compile({ policy, source, operator, facts, ...shipped, ...hook }),
    facts,
    observations: look.observations,
  };
}

async function parse(
  file: PolicyFile | null,
): Promise<Result<{ policy: Policy | null; warnings: readonly string[] }, PrepareFailure>> {
  if (file === null) return ok({ policy: null, warnings: [] });
  const { parsePolicy, renderIssue } = await import('./policy.late.ts');
  const { policy, issues } = parsePolicy(file.text);
  const rendered = (wanted: Severity): string[] =>
    issues
      .filter(({ severity }) => severity === wanted)
      .map((issue) => renderIssue(issue, file.name, file.text));
  return policy === null ? err({ lines: rendered('error') }) : ok({ policy, warnings: rendered('warning') });
}

export function renderProblem({ message, hint, line }: CompileProblem, file: string | null): string {
  const place = line === null || file === null ? 'openshell' : `${file}:${line}`;
  return `${place}: ${message}${hint === null ? '' : `\n  hint: ${hint}`}`;
}
