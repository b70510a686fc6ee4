/** Reasons not to run at all: what this version cannot enforce, and layers that the policy requires and the host lacks. */
import type { LayerReport, NetworkMode, Tier } from '../plan/plan.ts';
import { credentialProblems } from './credentials.ts';
import type { CompileInput, CompileProblem } from './input.ts';
import { unsupported } from './unsupported.ts';

export function refusals(
  input: CompileInput,
  network: NetworkMode,
  report: readonly LayerReport[],
  tier: Tier,
): CompileProblem[] {
  const { policy, operator, facts } = input;
  const problems = [...unsupported(policy), ...credentialProblems(policy, operator)];
  const weak = report.filter(({ required, state }) => required && state !== 'enforced');
  // Of two ways that are both closed the better one is told of too.
  const wanted = tier === 'namespaces' || (operator.tier === 'auto' && weak.length > 0);
  if (wanted && facts.kernel.namespacesProblem !== null) {
    problems.push({
      message: `this host forbids the namespaces of the sandbox: ${facts.kernel.namespacesProblem}`,
      hint: 'run `openshell doctor`: it names the setting that forbids it and how to change it; `--tier platform` does without',
      line: null,
    });
  }
  if (tier === 'platform' && facts.caller.uid === 0 && operator.user === null) {
    problems.push({
      message: 'without namespaces root cannot give the workload a user of its own that may write your files',
      hint: 'start as an ordinary user, or name one with `--user UID`',
      line: null,
    });
  }
  if (network === 'block' && operator.allow.length > 0) {
    problems.push({
      message: '`--allow` and `--network block` contradict each other',
      hint: 'leave one of them out',
      line: null,
    });
  }
  if (network !== 'proxy' && operator.inference !== null) {
    problems.push({
      message: `\`--inference\` and \`--network ${network}\` contradict each other`,
      hint: 'leave one of them out: inference.local is reached through the proxy',
      line: null,
    });
  }
  if (operator.user !== null && facts.caller.uid !== 0 && operator.user.uid !== facts.caller.uid) {
    problems.push({
      message: `\`--user ${operator.user.uid}\` needs root`,
      hint: 'an ordinary user runs sandboxes as itself',
      line: null,
    });
  }
  if (operator.user?.uid === 0) {
    problems.push({
      message: 'the workload never runs as uid 0 of the host',
      hint: 'name another user with `--user UID`',
      line: null,
    });
  }
  if (operator.acceptDegraded) return problems;
  for (const { layer, state, detail } of weak) {
    problems.push({
      message: `the ${layer} layer is required and would be ${state}: ${detail}`,
      hint: 'see `openshell doctor`; `--accept-degraded` runs all the same, and says so',
      line: null,
    });
  }
  return problems;
}
