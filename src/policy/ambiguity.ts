/**
 * Endpoints that can match the same traffic and disagree about it: which one would count is chance, so such a policy is
 * refused. The work is bounded; a policy that overlaps beyond the bound is refused too, never let through unchecked.
 */
import { type Contract, contractOf, difference } from './contract.ts';
import { HostIndex } from './host-index.ts';
import { type Budget, intersects, pathSteps, type Step, specificity } from './intersect.ts';
import { type Issues, type Place, quoted } from './issues.ts';
import { POLICY_LIMITS } from './limits.ts';
import { childPath } from './path.ts';
import type { Endpoint, NetworkPolicy } from './policy.ts';

interface Member {
  readonly endpoint: Endpoint;
  readonly contract: Contract;
  readonly path: string;
  readonly specificity: number;
  /** Made when it is first needed. */
  steps: readonly Step[] | null;
}

/** The endpoints of one host, by contract: those with the same one need no comparison. */
type Slot = Map<string, Member[]>;

export function checkAmbiguity(network: readonly NetworkPolicy[], issues: Issues): void {
  const budget: Budget = { steps: POLICY_LIMITS.ambiguitySteps };
  const newSlot = (): Slot => new Map();
  const indexes = { udp: new HostIndex(newSlot, budget), other: new HostIndex(newSlot, budget) };
  let reported = 0;
  for (const policy of network) {
    for (const endpoint of policy.endpoints) {
      const index = endpoint.protocol?.value === 'udp' ? indexes.udp : indexes.other;
      const member = memberOf(endpoint);
      const conflict = findConflict(member, index, budget);
      const place = placeOf(policy, endpoint);
      if (budget.steps < 0) {
        const message = 'so many endpoints overlap that they cannot all be compared; checking stopped here';
        issues.report(
          'ambiguity_unchecked',
          place,
          message,
          'Use fewer patterns, or fewer ports in each endpoint.',
        );
        return;
      }
      if (conflict !== null) {
        issues.report('ambiguous_endpoints', place, conflict.message, conflict.hint);
        reported += 1;
        if (reported >= POLICY_LIMITS.ambiguityIssues) return;
      }
      addTo(index.slot(endpoint), member);
    }
  }
}

function memberOf(endpoint: Endpoint): Member {
  const path = endpoint.path?.value ?? '';
  return { endpoint, contract: contractOf(endpoint), path, specificity: specificity(path), steps: null };
}

function placeOf(policy: NetworkPolicy, endpoint: Endpoint): Place {
  return {
    span: endpoint.host.span,
    path: `${childPath('network_policies', policy.key)}.endpoints[${endpoint.index}].host`,
  };
}

function addTo(slot: Slot, member: Member): void {
  const members = slot.get(member.contract.key);
  if (members === undefined) slot.set(member.contract.key, [member]);
  else members.push(member);
}

interface Conflict {
  readonly message: string;
  readonly hint: string;
}

function findConflict(member: Member, index: HostIndex<Slot>, budget: Budget): Conflict | null {
  let found: Conflict | null = null;
  index.overlapping(member.endpoint, (slot) => {
    for (const [key, others] of slot) {
      if (found !== null || key === member.contract.key) continue;
      if (agree(member.contract, others[0]!.contract)) continue;
      for (const other of others) {
        found ??= budget.steps < 0 ? null : compare(member, other, budget);
      }
    }
  });
  return found;
}

/** Whether the two cannot conflict whatever their ports and paths are. */
const agree = (a: Contract, b: Contract): boolean =>
  a.connectionKey === b.connectionKey && (a.requests === null || b.requests === null);

function compare(member: Member, other: Member, budget: Budget): Conflict | null {
  const port = commonPort(member.endpoint.ports, other.endpoint.ports, budget);
  if (port === null) return null;
  const connection = difference(member.contract.connection, other.contract.connection);
  if (connection !== null) return describe(member, other, port, connection);
  const { requests } = member.contract;
  const { requests: theirs } = other.contract;
  if (requests === null || theirs === null) return null;
  const found = difference(requests, theirs);
  if (found === null) return null;
  const mcp = found.name === 'protocol' && found.values.includes('mcp');
  if (!mcp && !pathsMeet(member, other, budget)) return null;
  return describe(member, other, port, found);
}

/** The first port that both have; both are sorted. */
function commonPort(a: readonly number[], b: readonly number[], budget: Budget): number | null {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    budget.steps -= 1;
    if (a[i] === b[j]) return a[i]!;
    if (a[i]! < b[j]!) i += 1;
    else j += 1;
  }
  return null;
}

function pathsMeet(a: Member, b: Member, budget: Budget): boolean {
  if (a.specificity !== b.specificity) return false;
  if (a.path === b.path) return true;
  a.steps ??= pathSteps(a.path);
  b.steps ??= pathSteps(b.path);
  return intersects(a.steps, b.steps, '/', budget);
}

function describe(
  member: Member,
  other: Member,
  port: number,
  { name, values }: { readonly name: string; readonly values: readonly [string, string] },
): Conflict {
  const host = member.endpoint.hostKind === 'any' ? 'any host' : quoted(member.endpoint.host.value);
  const line = other.endpoint.span.line;
  return {
    message: `${host}, port ${port}, overlaps the endpoint on line ${line}, but \`${name}\` is ${quoted(values[0])} here and ${quoted(values[1])} there`,
    hint: 'Make them equal, or make hosts, ports or paths distinct.',
  };
}
