/** The egress table: network policies as `match` reads them, with what the command line adds. */
import { normaliseHost } from '../match/host.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { EgressBinary, EgressEndpoint, EgressPolicy, EgressTable, NetworkMode } from '../plan/plan.ts';
import type { Binary, Endpoint, NetworkPolicy, Policy } from '../policy/policy.ts';
import { PROXY_PORT } from './environment.ts';
import type { OperatorRequest } from './input.ts';
import { inspectionOf } from './inspection.ts';

export const COMMAND_LINE_KEY = '--allow';

export function compileEgress(
  policy: Policy | null,
  operator: OperatorRequest,
  mode: NetworkMode,
  facts: Pick<HostFacts, 'paths'>,
): EgressTable {
  const policies = (policy?.network ?? []).map((entry) => egressPolicy(entry, facts));
  if (operator.allow.length > 0) policies.push(fromCommandLine(operator, policies.length));
  const table = { mode, proxyPort: PROXY_PORT, pin: policy?.dns.pin ?? 'connect', policies } as const;
  return operator.inference === null ? table : { ...table, inference: operator.inference.routes };
}

const egressPolicy = (policy: NetworkPolicy, facts: Pick<HostFacts, 'paths'>): EgressPolicy => ({
  key: policy.key,
  name: policy.name,
  index: policy.index,
  line: policy.span.line,
  binaries: policy.binaries.map((binary) => egressBinary(binary, facts)),
  endpoints: policy.endpoints.map(egressEndpoint),
});

/** The kernel names executables by their canonical path: a link in the policy stands for what it leads to, as well. */
function egressBinary(binary: Binary, facts: Pick<HostFacts, 'paths'>): EgressBinary {
  const fact = facts.paths.byPath.get(binary.path);
  const resolved =
    fact !== undefined && fact.kind !== 'missing' && fact.canonical !== binary.path ? fact.canonical : null;
  return { pattern: binary.path, resolved, ancestors: binary.ancestors, sha256: binary.sha256 };
}

const egressEndpoint = (endpoint: Endpoint): EgressEndpoint => ({
  index: endpoint.index,
  line: endpoint.span.line,
  host: endpoint.host.value,
  hostKind: endpoint.hostKind,
  ports: endpoint.ports,
  allowedIps: endpoint.allowedIps.map(({ value }) => value),
  transport: endpoint.protocol?.value === 'udp' ? 'udp' : 'tcp',
  inspection: inspectionOf(endpoint),
});

function fromCommandLine(operator: OperatorRequest, index: number): EgressPolicy {
  return {
    key: COMMAND_LINE_KEY,
    name: 'command line',
    index,
    line: null,
    binaries: [{ pattern: '/**', resolved: null, ancestors: true, sha256: null }],
    endpoints: operator.allow.map(({ host, port }, i) => ({
      index: i,
      line: null,
      host,
      hostKind: kindOf(host),
      ports: [port],
      allowedIps: [],
      transport: 'tcp',
      inspection: null,
    })),
  };
}

function kindOf(host: string): EgressEndpoint['hostKind'] {
  if (host.includes('*')) return 'pattern';
  const parsed = normaliseHost(host);
  return parsed.ok && parsed.value.address !== null ? 'address' : 'name';
}

/** The operator's word first; else a proxy where there is something to reach, else nothing. */
export function networkMode(policy: Policy | null, operator: OperatorRequest): NetworkMode {
  if (operator.network !== null) return operator.network;
  const reachable = (policy?.network.length ?? 0) > 0 || operator.allow.length > 0;
  return reachable || operator.inference !== null ? 'proxy' : 'block';
}
