/** Policy text to a checked policy, or to everything that is wrong with it. */
import type { Issue } from '../base/source.ts';
import { checkAlternatives } from './alternatives.ts';
import { checkAmbiguity } from './ambiguity.ts';
import { checkExpectations } from './expect.ts';
import { dnsOf, limitsOf } from './extensions.ts';
import type { Read } from './fields.ts';
import { checkFilesystem } from './filesystem.ts';
import { deepFreeze } from './freeze.ts';
import { Issues } from './issues.ts';
import { checkMiddlewares } from './middleware.ts';
import { checkNetwork } from './network.ts';
import type { Policy } from './policy.ts';
import { checkProcess, NO_PROCESS } from './process.ts';
import { readNode } from './reader.ts';
import { POLICY } from './schema.ts';
import { parseSyntax } from './syntax.ts';

export interface ParsedPolicy {
  /** Frozen; null when any issue is an error. */
  readonly policy: Policy | null;
  /** By position. */
  readonly issues: readonly Issue[];
}

/**
 * Reads and checks a policy. It never throws on any text, and tells everything that it finds at once. Text beyond
 * `POLICY_LIMITS.bytes` is refused; whoever reads the file looks at the size first.
 */
export function parsePolicy(text: string): ParsedPolicy {
  const issues = new Issues();
  const tree = parseSyntax(text, issues);
  const usable = tree !== null && checkAlternatives(tree, issues);
  const read = !usable ? undefined : readNode(POLICY, tree, '', issues);
  const policy = read === undefined ? null : checkPolicy(read, issues);
  return { policy: issues.hasErrors ? null : deepFreeze(policy), issues: deepFreeze(issues.sorted()) };
}

/** What only a look at several values together can tell; reported to `issues`. */
function checkPolicy(read: Read<typeof POLICY>, issues: Issues): Policy {
  const { fields } = read.value;
  const network = checkNetwork(fields.network_policies, issues);
  const policy: Policy = {
    version: 1,
    filesystem:
      fields.filesystem_policy === undefined ? null : checkFilesystem(fields.filesystem_policy, issues),
    landlock: { compatibility: fields.landlock?.value.fields.compatibility?.value ?? 'best_effort' },
    process: fields.process === undefined ? NO_PROCESS : checkProcess(fields.process, issues),
    network,
    middlewares: checkMiddlewares(fields.network_middlewares, network, issues),
    limits: limitsOf(fields.limits),
    dns: dnsOf(fields.dns),
    expect: checkExpectations(
      fields.expect?.value ?? [],
      (fields.network_policies?.value ?? []).map(({ key }) => key),
      issues,
    ),
  };
  checkAmbiguity(network, issues);
  return policy;
}
