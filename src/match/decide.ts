/** The one verb: a destination and an identity to a verdict. */
import {
  type EgressIndex,
  type IndexedEndpoint,
  type Listed,
  listedAt,
  referenceOf,
} from './egress-index.ts';
import { type Grant, Grants, MANY } from './grants.ts';
import { describeBinaryMiss, describeHostMiss } from './near-miss.ts';
import type { Candidate, Denial, Destination, Query, Verdict } from './verdict.ts';

/** What a decision cost; only tests give one. */
export interface Work {
  /** Endpoints whose policy was asked about the identity. */
  endpoints: number;
  /** Places in the tree of host patterns, and globs of binaries. */
  steps: number;
}

/**
 * Decides. All endpoints that match host, port and binary become candidates, in the order of their policy's key and
 * then of their place in it; the addresses of the host choose among them (`chooseCandidate`).
 */
export function decide(index: EgressIndex, query: Query, work?: Work): Verdict {
  const listed = find(index, query, work);
  if ('kind' in listed) return listed;
  const grants = new Grants(index, query.identity);
  const candidates: Candidate[] = [];
  for (const entry of narrow(listed, grants, work)) {
    if (work !== undefined) work.endpoints += 1;
    const granted = grants.of(entry.policy);
    if (granted !== null) candidates.push(candidate(entry, granted));
  }
  return (
    verdict(candidates) ?? describeBinaryMiss(query, inOrder(listed.flatMap(({ all }) => all.slice(0, MANY))))
  );
}

/**
 * Decides for whatever program some policy names: what `expect` entries and `explain` ask when they name none. Never
 * for a real connection.
 */
export function decideForAny(index: EgressIndex, destination: Destination): Verdict {
  const listed = find(index, destination);
  if ('kind' in listed) return listed;
  const entries = inOrder(listed.flatMap(({ all }) => all)).filter(
    ({ policy }) => policy.binaries.length > 0,
  );
  return (
    verdict(entries.map((entry) => candidate(entry, null))) ?? {
      kind: 'deny',
      reason: 'binary_not_listed',
      message: 'the policies that list it name no binaries, so nobody may connect',
      rule: referenceOf(listed[0]!.all[0]!),
    }
  );
}

/** The endpoints that match host and port, or why there are none. */
function find(index: EgressIndex, destination: Destination, work?: Work): readonly Listed[] | Denial {
  if (index.mode === 'block')
    return deny('network_off', 'the network is off for this sandbox (network mode `block`)');
  if (index.policies.length === 0)
    return deny('no_policies', 'network connections not allowed by policy: it has no network_policies');
  const visit =
    work === undefined
      ? undefined
      : () => {
          work.steps += 1;
        };
  const listed = listedAt(index, destination, visit);
  return listed.length > 0 ? listed : describeHostMiss(index, destination);
}

const deny = (reason: Denial['reason'], message: string): Denial => ({
  kind: 'deny',
  reason,
  message,
  rule: null,
});

function narrow(listed: readonly Listed[], grants: Grants, work?: Work): IndexedEndpoint[] {
  const few = listed.every(({ all }) => all.length <= MANY);
  if (few) return inOrder(listed.flatMap(({ all }) => all));
  const step = (): void => {
    if (work !== undefined) work.steps += 1;
  };
  const pick = (byPolicy: Listed['byPolicy'], order: number): readonly IndexedEndpoint[] => {
    step();
    return byPolicy.get(order) ?? [];
  };
  const policies = grants.orders(step);
  const entries = listed.flatMap(({ all, byPolicy }) =>
    all.length < policies.length ? all : policies.flatMap((order) => pick(byPolicy, order)),
  );
  return inOrder(entries);
}

const inOrder = (entries: IndexedEndpoint[]): IndexedEndpoint[] =>
  entries.sort((a, b) => a.policy.order - b.policy.order || a.endpoint.index - b.endpoint.index);

function candidate(entry: IndexedEndpoint, granted: Grant | null): Candidate {
  return {
    rule: referenceOf(entry),
    policyName: entry.policy.policy.name,
    endpoint: entry.endpoint,
    addressPlan: entry.addressPlan,
    granted,
  };
}

function verdict(candidates: readonly Candidate[]): Verdict | null {
  const [first, ...rest] = candidates;
  return first === undefined ? null : { kind: 'allow', candidates: [first, ...rest] };
}
