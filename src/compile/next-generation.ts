/**
 * A later text of the policy, for a sandbox that runs. What the kernel holds was locked when it started; who may reach
 * what over the network is replaced as a whole.
 */
import { err, ok, type Result } from '../base/result.ts';
import type { HostFacts } from '../plan/facts.ts';
import { type EgressTable, hasDatagrams, hasInspection, type Plan } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import { compileEgress, networkMode } from './egress.ts';
import { failedExpectations } from './expectations.ts';
import { freeze } from './freeze.ts';
import type { CompileProblem, OperatorRequest } from './input.ts';
import { unsupported } from './unsupported.ts';

export interface NextInput {
  /** What the sandbox was started with. */
  readonly running: Plan;
  readonly began: Policy;
  readonly next: Policy;
  readonly operator: OperatorRequest;
  readonly facts: Pick<HostFacts, 'paths' | 'caller'>;
}

export interface NextGeneration {
  readonly egress: EgressTable;
  /** Parts of the policy that differ from what the sandbox was started with, and wait for the next start. */
  readonly pending: readonly string[];
}

export function compileNext(input: NextInput): Result<NextGeneration, readonly CompileProblem[]> {
  const { running, next, operator, facts } = input;
  const problems = unsupported(next);
  if (problems.length > 0) return err(problems);
  const wanted = compileEgress(next, operator, running.egress.mode, facts);
  const egress = freeze<EgressTable>({ ...wanted, pin: running.egress.pin });
  if (hasInspection(egress) && !hasInspection(running.egress)) {
    const message =
      'the policy begins to look at requests, and programs in this sandbox do not trust its certificates';
    return err([{ message, hint: 'start the sandbox anew', line: null }]);
  }
  // Examples of what is locked are about what was locked: they held at the start.
  const expect = next.expect.filter(
    ({ subject }) => subject.kind === 'connect' || subject.kind === 'request',
  );
  const failed = failedExpectations({ ...next, expect }, { ...running, egress }, facts.caller);
  return failed.length > 0 ? err(failed) : ok({ egress, pending: pendingParts(input, egress) });
}

/** Nothing can be reached until another policy is there. */
export const quarantined = (egress: EgressTable): EgressTable => ({ ...egress, policies: [] });

function pendingParts({ running, began, next, operator }: NextInput, egress: EgressTable): string[] {
  const locked: readonly (readonly [string, (policy: Policy) => unknown])[] = [
    ['filesystem_policy', ({ filesystem }) => filesystem],
    ['landlock', ({ landlock }) => landlock],
    ['process', ({ process }) => process],
    ['limits', ({ limits }) => limits],
    ['dns', ({ dns }) => dns],
  ];
  const parts = locked.filter(([, of]) => meaning(of(began)) !== meaning(of(next))).map(([name]) => name);
  if (running.egress.mode === 'block' && networkMode(next, operator) === 'proxy')
    parts.push('network_policies (the sandbox was started without network)');
  else if (hasDatagrams(egress) && !hasDatagrams(running.egress))
    parts.push('`protocol: udp` (the sandbox was started without datagrams)');
  return parts;
}

/** Without the places in the file. */
const meaning = (section: unknown): string =>
  JSON.stringify(section, (key, value: unknown) => (key === 'span' ? undefined : value));
