/**
 * The egress table, prepared for lookups. Building costs one pass; after it a decision looks at the endpoints that
 * match host and port, however many rules there are.
 */

import { parseAddress, parseCidr } from '../base/address.ts';
import type { EgressEndpoint, EgressPolicy, EgressTable, NetworkMode, Transport } from '../plan/plan.ts';
import { type BinaryRule, compileBinary } from './binary.ts';
import { BinaryIndex } from './binary-index.ts';
import { type Host, normaliseHost } from './host.ts';
import { compileHostPattern } from './host-pattern.ts';
import { HostTree } from './host-tree.ts';
import type { AddressPlan } from './judge-address.ts';
import type { Destination, RuleReference } from './verdict.ts';

export interface EgressIndex {
  readonly mode: NetworkMode;
  /** As in the table. */
  readonly inference?: readonly string[];
  readonly policies: readonly IndexedPolicy[];
  /** Names and canonical addresses. */
  readonly exact: ReadonlyMap<string, Ports>;
  readonly patterns: HostTree<Ports>;
  /** Endpoints without a host. */
  readonly hostless: Ports;
  readonly binaries: BinaryIndex;
  /** Rows that cannot be compiled: they allow nothing. A checked policy has none. */
  readonly problems: readonly string[];
}

export interface IndexedPolicy {
  /** Place in the order of keys; the smallest key is asked first. */
  readonly order: number;
  readonly policy: EgressPolicy;
  readonly binaries: readonly BinaryRule[];
}

export interface IndexedEndpoint {
  readonly policy: IndexedPolicy;
  readonly endpoint: EgressEndpoint;
  readonly addressPlan: AddressPlan;
}

/** The endpoints of one host or pattern, by port. */
export type Ports = Map<number, Listed>;

export interface Listed {
  readonly all: IndexedEndpoint[];
  /** By the order of their policy. */
  readonly byPolicy: Map<number, IndexedEndpoint[]>;
}

/** @param transport the endpoints of one only; null: all, which answers what names there are, and never a connection */
export function buildIndex(table: EgressTable, transport: Transport | null = 'tcp'): EgressIndex {
  const problems: string[] = [];
  const ordered = [...table.policies].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const policies = ordered.map((policy, order) => indexPolicy(policy, order, problems));
  const exact = new Map<string, Ports>();
  const patterns = new HostTree<Ports>();
  const hostless: Ports = new Map();
  for (const policy of policies) {
    for (const endpoint of policy.policy.endpoints) {
      if (transport !== null && endpoint.transport !== transport) continue;
      const ports = place(endpoint, { exact, patterns, hostless });
      if (typeof ports === 'string') {
        problems.push(`endpoint ${endpoint.index} of policy \`${policy.policy.key}\`: ${ports}`);
        continue;
      }
      list(ports, { policy, endpoint, addressPlan: addressPlan(endpoint, policy, problems) });
    }
  }
  const binaries = new BinaryIndex(policies);
  const inference = table.inference === undefined ? {} : { inference: table.inference };
  return { mode: table.mode, ...inference, policies, exact, patterns, hostless, binaries, problems };
}

/** What lists the host and port, by whatever spelling: a few places, however many rules there are. */
export function listedAt(
  index: EgressIndex,
  { host, port }: Destination,
  visit?: () => void,
): readonly Listed[] {
  const places = [index.exact.get(host.text), index.hostless];
  if (host.address === null) places.push(...index.patterns.find(host.text, visit));
  return places.flatMap((ports) => ports?.get(port) ?? []);
}

/** Whether some program may reach some port of the host: what the policy DNS asks before a query leaves. */
export function listsHost(index: EgressIndex, host: Host): boolean {
  if (index.mode === 'block') return false;
  if (index.exact.has(host.text) || index.hostless.size > 0) return true;
  return host.address === null && index.patterns.find(host.text).length > 0;
}

export const referenceOf = ({ policy, endpoint }: IndexedEndpoint): RuleReference => ({
  policy: policy.policy.key,
  index: endpoint.index,
  line: endpoint.line,
});

function indexPolicy(policy: EgressPolicy, order: number, problems: string[]): IndexedPolicy {
  const binaries: BinaryRule[] = [];
  for (const entry of policy.binaries) {
    const rule = compileBinary(entry);
    if (rule.ok) binaries.push(rule.value);
    else problems.push(`binary \`${entry.pattern}\` of policy \`${policy.key}\`: ${rule.error}`);
  }
  return { order, policy, binaries };
}

type Places = Pick<EgressIndex, 'patterns' | 'hostless'> & { readonly exact: Map<string, Ports> };

/** Where an endpoint belongs, or why it belongs nowhere. */
function place(endpoint: EgressEndpoint, places: Places): Ports | string {
  switch (endpoint.hostKind) {
    case 'any':
      return endpoint.allowedIps.length > 0 ? places.hostless : 'no host and no allowed_ips';
    case 'address':
      if (parseAddress(endpoint.host)?.text !== endpoint.host)
        return `\`${endpoint.host}\` is no canonical address`;
      return exactPlace(endpoint.host, places.exact);
    case 'name':
      if (!isNormalName(endpoint.host)) return `\`${endpoint.host}\` is no name in lower case`;
      return exactPlace(endpoint.host, places.exact);
    case 'pattern': {
      const pattern = compileHostPattern(endpoint.host);
      return pattern.ok ? places.patterns.at(pattern.value, () => new Map()) : pattern.error;
    }
  }
}

function isNormalName(text: string): boolean {
  const host = normaliseHost(text);
  return host.ok && host.value.address === null && host.value.text === text;
}

function exactPlace(host: string, exact: Map<string, Ports>): Ports {
  const ports: Ports = exact.get(host) ?? new Map();
  exact.set(host, ports);
  return ports;
}

function list(ports: Ports, entry: IndexedEndpoint): void {
  for (const port of new Set(entry.endpoint.ports)) {
    const listed: Listed = ports.get(port) ?? { all: [], byPolicy: new Map() };
    ports.set(port, listed);
    listed.all.push(entry);
    const same = listed.byPolicy.get(entry.policy.order) ?? [];
    listed.byPolicy.set(entry.policy.order, same);
    same.push(entry);
  }
}

function addressPlan(endpoint: EgressEndpoint, policy: IndexedPolicy, problems: string[]): AddressPlan {
  const allowed = endpoint.allowedIps.flatMap((text) => {
    const block = parseCidr(text);
    if (block === null)
      problems.push(`allowed_ips \`${text}\` of policy \`${policy.policy.key}\` is no block`);
    return block === null ? [] : [block];
  });
  return {
    hostKind: endpoint.hostKind,
    literal: endpoint.hostKind === 'address' ? parseAddress(endpoint.host) : null,
    // A list that holds only rubbish stays a list: it allows nothing.
    allowed: endpoint.allowedIps.length > 0 ? allowed : null,
  };
}
