/** Policy, operator's request and host facts to a plan: pure, and equal inputs give equal plans (INV-02). */
import { liesIn } from '../base/path.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { CallerFacts } from '../plan/facts.ts';
import {
  type EgressTable,
  hasDatagrams,
  hasInspection,
  type Plan,
  type SeccompPlan,
  type Tier,
} from '../plan/plan.ts';
import { credentialFiles } from './credentials.ts';
import { compileEgress, networkMode } from './egress.ts';
import { compileEnvironment } from './environment.ts';
import { failedExpectations } from './expectations.ts';
import { freeze } from './freeze.ts';
import { grantedPaths } from './granted-paths.ts';
import { compileIdentity } from './identity.ts';
import type { CompileInput, CompileProblem } from './input.ts';
import { compileLandlock, grantsByLandlock } from './landlock.ts';
import { compileLimits } from './limits.ts';
import { listedPaths } from './listed-paths.ts';
import { privateRoot } from './private-root.ts';
import { protections } from './protections.ts';
import { refusals } from './refusals.ts';
import { enforcementReport } from './report.ts';
import { compileSeccomp } from './seccomp.ts';
import type { SeccompInput } from './seccomp-clause.ts';
import { type ShownPath, shownPaths } from './shown-paths.ts';
import { allNamespaces, fallbackWarning, NO_NAMESPACES, tierFor } from './tier.ts';
import { HELD, unheld } from './unheld.ts';

export function compile(input: CompileInput): Result<Plan, readonly CompileProblem[]> {
  const { policy, operator, facts } = input;
  const network = networkMode(policy, operator);
  const identity = compileIdentity(policy, operator, facts.caller);
  const tier = tierFor(operator.tier, facts.kernel);
  const listed = listedPaths(input);
  const shown =
    tier === 'platform'
      ? grantedPaths(listed, facts, operator.home)
      : shownPaths(listed, facts, operator.home);
  const held = protections(
    policy,
    shown,
    facts,
    identity.host.kind === 'drop' && identity.host.uid === 'unused',
    credentialFiles(operator),
  );
  const free = tier === 'platform' ? unheld(held, facts.ownFiles) : HELD;
  const egress = compileEgress(policy, operator, network, facts);
  const opensTls = hasInspection(egress);
  const mounts = tier === 'platform' ? [] : privateRoot(shown, held, facts, identity, network, opensTls);
  const { landlockAbi } = facts.kernel;
  const landlock =
    tier === 'platform'
      ? grantsByLandlock(shown, network, landlockAbi, opensTls)
      : compileLandlock(mounts, held.denied, network, landlockAbi);
  const { rlimits, limits } = compileLimits(policy, facts, tier);
  const report = enforcementReport({ tier, policy, facts, mounts, landlock, network, limits });
  const problems = [
    ...shown.problems,
    ...held.problems,
    ...free.problems,
    ...refusals(input, network, report, tier),
  ];
  const { workdir } = facts.caller;
  if (!existsInside(workdir, shown.paths) || held.denied.some((path) => liesIn(workdir, path))) {
    problems.push({
      message: `the working directory ${workdir} is not visible inside the sandbox`,
      hint: 'set `filesystem_policy.include_workdir: true`, list it, or choose another with `--workdir DIR`',
      line: policy?.filesystem?.span.line ?? null,
    });
  }
  if (problems.length > 0) return err(problems);
  const plan = freeze<Plan>({
    format: 1,
    arch: facts.arch,
    tier,
    policy: input.source,
    identity,
    namespaces: tier === 'platform' ? NO_NAMESPACES : allNamespaces(network),
    mounts,
    landlock,
    seccomp: seccomp(input, tier, egress, landlock.abi),
    rlimits,
    limits,
    environment: compileEnvironment(identity, network, operator, tier, opensTls),
    workdir,
    egress,
    report,
    hostTrust: { ...held.hostTrust, unheld: free.names },
    warnings: [
      ...fallbackWarning(operator.tier, tier, facts.kernel),
      ...homeWarning(facts.caller, shown.paths),
      ...held.warnings,
      ...free.warnings,
    ],
    notes: [...shown.notes, ...held.notes],
  });
  const failed = failedExpectations(policy, plan, facts.caller);
  return failed.length > 0 ? err(failed) : ok(plan);
}

/** Starting in the home directory shows everything that the caller has. */
function homeWarning({ home, workdir }: CallerFacts, shown: readonly ShownPath[]): string[] {
  const all = shown.some(({ kind, target, writable }) => kind === 'host' && writable && target === home);
  return all && workdir === home
    ? ['the working directory is the home directory: everything in it can be read and written']
    : [];
}

/** A host directory that shows it, or a private directory in which it is made: as itself, or on the way to another. */
function existsInside(path: string, shown: readonly ShownPath[]): boolean {
  const nearest = shown.findLast(({ target, directory }) => directory && liesIn(path, target));
  return nearest?.kind === 'host' || shown.some(({ target }) => liesIn(target, path));
}

function seccomp(input: CompileInput, tier: Tier, egress: EgressTable, landlockAbi: number): SeccompPlan {
  const { policy, facts, refusalErrno, knownFilter } = input;
  const wanted: SeccompInput = {
    arch: facts.arch,
    tier,
    network: egress.mode,
    netlink: { mode: netlinkMode(input), line: policy?.process.netlink?.span.line ?? null },
    datagrams: egress.mode === 'proxy' && hasDatagrams(egress),
    relaxations: (policy?.process.seccompAllow ?? []).map(({ value, span }) => ({
      name: value,
      line: span.line,
    })),
    landlockAbi,
    refusalErrno: refusalErrno ?? null,
  };
  return knownFilter?.(wanted) ?? compileSeccomp(wanted);
}

/** `enumerate` unless the policy says otherwise; the operator may raise `deny` to it, never lower (decisions). */
function netlinkMode({ policy, operator }: CompileInput): 'deny' | 'enumerate' | 'route' {
  const asked = policy?.process.netlink?.value ?? 'enumerate';
  return asked === 'deny' && operator.netlinkEnumerate ? 'enumerate' : asked;
}
