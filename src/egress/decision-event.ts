/** What an egress decision leaves behind: one event, the same for proxied and for direct connections. */
import type { Draft, ProcessReference, Reason, RuleReference, Subject } from '../event/event.ts';
import type { BinaryIdentity } from '../match/identity.ts';

export interface DecisionFacts {
  /**
   * `allow` with a reason other than `allowed` is a connection that the policy allows and the network did not make
   * (`name_not_resolved`, `upstream_unreachable`).
   */
  readonly action: 'allow' | 'deny';
  readonly reason: Reason;
  readonly rule: RuleReference | null;
  readonly via: Extract<Subject, { kind: 'connect' }>['via'];
  /** Without user information, path and query; '' when the request named none that could be read. */
  readonly host: string;
  readonly port: number;
  readonly address: string | null;
  readonly process: ProcessReference | null;
}

export function decisionDraft(facts: DecisionFacts): Draft {
  const { via, host, port, address } = facts;
  return egressDraft(facts, { kind: 'connect', host, port, address, via });
}

/** The event of any decision of this layer. */
export function egressDraft(
  { action, reason, rule, process }: Pick<Draft, 'action' | 'reason' | 'rule' | 'process'>,
  subject: Subject,
): Draft {
  return {
    type: action === 'deny' ? 'denial' : 'decision',
    layer: 'egress',
    action,
    reason,
    rule,
    subject,
    process,
    count: 1,
  };
}

/** A cache, no state: one connection may carry very many requests of one caller. */
const references = new WeakMap<BinaryIdentity, ProcessReference>();

export function processOf(identity: BinaryIdentity): ProcessReference {
  const known = references.get(identity);
  if (known !== undefined) return known;
  const { pid, executable, ancestors } = identity;
  const reference = {
    pid,
    exe: executable.path,
    sha256: executable.sha256,
    ancestors: ancestors.map(({ path }) => path),
  };
  references.set(identity, reference);
  return reference;
}
