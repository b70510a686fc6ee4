/** Denials that teach: what the policy does list, nearest to what was asked. Costs lookups, never a scan of all rules. */
import { matchBinary } from './binary.ts';
import { type EgressIndex, type IndexedEndpoint, type Ports, referenceOf } from './egress-index.ts';
import { listed, shown } from './shown.ts';
import type { Denial, Destination, Query, RuleReference } from './verdict.ts';

const MAX_POLICIES = 3;
const MAX_BINARIES = 5;
const MAX_PORTS = 8;
const MAX_ANCESTORS = 4;

/** Nothing lists host and port: says which ports of the host are listed, or which neighbour of the name. */
export function describeHostMiss(index: EgressIndex, { host, port }: Destination): Denial {
  const base = `endpoint ${host.text}:${port} is not allowed by any policy`;
  const places = [index.exact.get(host.text)];
  if (host.address === null) places.push(...index.patterns.find(host.text));
  const ports = new Map<number, IndexedEndpoint>();
  for (const place of places)
    for (const [number, { all }] of place ?? []) ports.set(number, ports.get(number) ?? all[0]!);
  if (ports.size > 0) {
    const [near] = ports.values();
    const numbers = listed([...ports.keys()].sort((a, b) => a - b).map(String), MAX_PORTS);
    const word = ports.size === 1 ? 'port' : 'ports';
    return missed(`${base}; the host is listed on ${word} ${numbers}`, referenceOf(near!));
  }
  const neighbour = host.address === null ? neighbourOf(index, host.text, port) : null;
  if (neighbour === null) return missed(base, null);
  const { key } = neighbour.policy.policy;
  return missed(
    `${base}; policy \`${key}\` lists ${neighbour.endpoint.host}, which does not match it`,
    referenceOf(neighbour),
  );
}

/** Names that people mix up with the one asked for: the parent, `www.`, and patterns one label off. */
function neighbourOf(index: EgressIndex, name: string, port: number): IndexedEndpoint | null {
  const dot = name.indexOf('.');
  const parent = dot < 0 ? '' : name.slice(dot + 1);
  const exact = [parent, `www.${name}`].map((other) => index.exact.get(other));
  // `x.` before the name: would a wildcard below it match. The parent: is the name one label too deep.
  const below = [`x.${name}`, ...(parent.includes('.') ? [parent] : [])].flatMap((other) =>
    index.patterns.find(other),
  );
  for (const ports of [...exact, ...below]) {
    const entry = firstOf(ports, port);
    if (entry !== null) return entry;
  }
  return null;
}

const firstOf = (ports: Ports | undefined, port: number): IndexedEndpoint | null =>
  ports?.get(port)?.all[0] ?? null;

/** Host and port are listed, for others: says for whom, and what is missing when a path does fit. */
export function describeBinaryMiss({ identity }: Query, entries: readonly IndexedEndpoint[]): Denial {
  const caller = shown(identity.executable.path);
  const ancestors = identity.ancestors.slice(0, MAX_ANCESTORS).map(({ path }) => shown(path));
  const chain = ancestors.length === 0 ? '' : ` (ancestors: ${ancestors.join(' -> ')})`;
  const policies = [...new Set(entries.map(({ policy }) => policy))].slice(0, MAX_POLICIES);
  const clauses = policies.map((policy) => {
    const misses = policy.binaries.map((rule) => matchBinary(rule, identity));
    const head = `binary ${caller} not allowed in policy \`${policy.policy.name}\`${chain}`;
    if (misses.includes('content')) return `${head}: its path is listed, its content has another sha256`;
    if (misses.includes('ancestor_only'))
      return `${head}: an ancestor is listed, but its entry says \`ancestors: false\``;
    if (policy.binaries.length === 0) return `${head}: it lists no binaries, so nobody may connect`;
    const allowed = policy.policy.binaries.map(({ pattern }) => pattern);
    return `${head}: it lists ${listed(allowed, MAX_BINARIES)}`;
  });
  return {
    kind: 'deny',
    reason: 'binary_not_listed',
    message: clauses.join('; '),
    rule: referenceOf(entries[0]!),
  };
}

const missed = (message: string, rule: RuleReference | null): Denial => ({
  kind: 'deny',
  reason: 'endpoint_not_listed',
  message,
  rule,
});
