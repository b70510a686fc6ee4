/**
 * The one body that every refusal of ours carries, on whatever path it is answered (docs/denials.md). It says which
 * rule refused, and what an operator would write to allow it: the sandboxed program is often an agent that reads it.
 */
import { isGlob } from '../base/glob.ts';
import { printable } from '../base/source.ts';
import { CREDENTIAL_REFUSALS, credentialSteps, isCredentialRefusal } from './credential-refusals.ts';
import type { EventLayer, RuleReference } from './event.ts';
import { type RefusalRow, row } from './refusal-row.ts';

export type { RefusalRow };

export const REFUSALS = {
  network_off: row(1, 403, 'policy_denied', 'network_off', 'the network is off for this sandbox'),
  no_policies: row(2, 403, 'policy_denied', 'no_policies', 'the policy has no network_policies'),
  endpoint_not_listed: row(
    3,
    403,
    'policy_denied',
    'endpoint_not_listed',
    'no endpoint lists this host and port',
  ),
  binary_not_listed: row(
    4,
    403,
    'policy_denied',
    'binary_not_listed',
    'the endpoint is listed, but not for this program',
  ),
  binary_changed: row(
    5,
    403,
    'policy_denied',
    'binary_changed',
    'the program has other content than when it was first used',
  ),
  identity_unavailable: row(
    6,
    403,
    'policy_denied',
    'identity_unavailable',
    'it could not be found out which program connects',
  ),
  special_address: row(
    7,
    403,
    'ssrf_denied',
    'special_address',
    'the host is at an internal address that the endpoint may not reach',
  ),
  address_not_listed: row(
    8,
    403,
    'ssrf_denied',
    'address_not_listed',
    "the host is at an address outside the endpoint's allowed_ips",
  ),
  control_plane_port: row(
    9,
    403,
    'ssrf_denied',
    'control_plane_port',
    'the port belongs to a cluster or container control plane at an internal address',
  ),
  name_not_resolved: row(
    10,
    502,
    'upstream_unreachable',
    'name_not_resolved',
    'the policy allows the host, but its name has no address',
  ),
  upstream_unreachable: row(
    11,
    502,
    'upstream_unreachable',
    'upstream_unreachable',
    'the policy allows the host, but no connection could be made',
  ),
  malformed_destination: row(
    12,
    400,
    'invalid_request_target',
    'malformed_destination',
    'host or port is written in a form that is not accepted',
  ),
  unsupported_scheme: row(
    13,
    400,
    'unsupported_proxy_scheme',
    'unsupported_scheme',
    'only http URLs can be requested from the proxy; https goes through CONNECT',
  ),
  malformed_request: row(
    14,
    400,
    'invalid_request',
    'malformed_request',
    'the request breaks the rules of HTTP/1.1',
  ),
  authority_mismatch: row(
    15,
    400,
    'request_authority_mismatch',
    'malformed_request',
    'the Host header names another host than the request',
  ),
  request_too_large: row(
    16,
    431,
    'request_header_fields_too_large',
    'request_too_large',
    'the header section of the request is too large',
  ),
  request_timeout: row(
    17,
    408,
    'request_timeout',
    'malformed_request',
    'the header section of the request took too long to arrive',
  ),
  expectation_failed: row(
    18,
    417,
    'expectation_failed',
    'unsupported_protocol',
    'the request expects something other than 100-continue',
  ),
  unsupported_protocol: row(
    19,
    400,
    'unsupported_protocol',
    'unsupported_protocol',
    'the client speaks something other than HTTP/1.1 to the proxy',
  ),
  too_many_connections: row(
    20,
    503,
    'too_many_connections',
    'too_many_connections',
    'the sandbox has as many connections through the proxy as it may have',
  ),
  invalid_upstream_response: row(
    21,
    502,
    'invalid_upstream_response',
    'upstream_unreachable',
    "the server's answer breaks the rules of HTTP/1.1 or ended too early",
  ),
  request_not_allowed: row(
    22,
    403,
    'policy_denied',
    'request_not_allowed',
    'no rule of the endpoint allows this request',
  ),
  request_denied_by_rule: row(
    23,
    403,
    'policy_denied',
    'request_denied_by_rule',
    'a deny rule is about this request',
  ),
  path_invalid: row(
    24,
    400,
    'invalid_request_target',
    'path_invalid',
    'the path is written in a form that servers could read in different ways',
  ),
  query_invalid: row(
    25,
    400,
    'invalid_request_target',
    'query_invalid',
    'the query is written in a form that servers could read in different ways',
  ),
  ...CREDENTIAL_REFUSALS,
} as const satisfies Readonly<Record<string, RefusalRow>>;

export type RefusalKind = keyof typeof REFUSALS;

/** The body, as it is sent. Every key is always there; null: does not apply. */
export interface Refusal {
  readonly error: string;
  /** What was asked, and that it was refused. */
  readonly detail: string;
  /** Why, for people. */
  readonly reason: string;
  readonly policy: string | null;
  /** Where the rule stands in the policy, as `network_policies.git.endpoints[0]`. */
  readonly rule: string | null;
  readonly layer: EventLayer;
  readonly method: string | null;
  /** Without its query. */
  readonly path: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly binary: string | null;
  readonly code: string;
  readonly line: number | null;
  readonly next_steps: readonly string[];
}

export interface RefusalFacts {
  readonly kind: RefusalKind;
  readonly detail: string;
  readonly reason: string;
  readonly rule: RuleReference | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly binary: string | null;
  /** The address that was refused: `never` when no policy can allow it. */
  readonly address: { readonly text: string; readonly class: 'never' | 'private' | 'public' } | null;
}

export function refusalOf(facts: RefusalFacts): Refusal {
  const { error, code } = REFUSALS[facts.kind];
  const { rule } = facts;
  return {
    error,
    detail: facts.detail,
    reason: facts.reason,
    policy: rule?.policy ?? null,
    rule: rule === null ? null : ruleText(rule),
    layer: 'egress',
    method: facts.method,
    path: facts.path,
    host: facts.host,
    port: facts.port,
    binary: facts.binary,
    code,
    line: rule?.line ?? null,
    next_steps: nextSteps(facts),
  };
}

const ruleText = ({ policy, index }: RuleReference): string =>
  `network_policies.${policy}${index === null ? '' : `.endpoints[${index}]`}`;

const ASK = 'the policy is outside this sandbox and cannot be changed from here; ask the operator';

function nextSteps(facts: RefusalFacts): string[] {
  const { kind } = facts;
  if (isCredentialRefusal(kind)) return credentialSteps(kind);
  switch (kind) {
    case 'network_off':
      return [
        `${ASK} to start the sandbox with --network proxy and to list the endpoint:\n${endpointYaml(facts)}`,
      ];
    case 'no_policies':
    case 'endpoint_not_listed':
      return [`${ASK} to add these lines to the policy:\n${endpointYaml(facts)}`];
    case 'binary_not_listed':
      return [binaryStep(facts)];
    case 'binary_changed':
      return [
        'the program was replaced while the sandbox ran; if that was intended, ask the operator to start the sandbox anew',
      ];
    case 'identity_unavailable':
      return [
        'try again; if it stays, the program may be unreadable, too large, or gone before it could be looked at',
      ];
    case 'special_address':
      return facts.address?.class === 'private'
        ? [addressStep(facts), `or to declare the host by its exact name:\n${endpointYaml(facts)}`]
        : [addressStep(facts)];
    case 'address_not_listed':
      return [addressStep(facts)];
    case 'control_plane_port':
      return [`no policy can allow this port at an internal address; ${vouch(facts)}`];
    case 'name_not_resolved':
      return ['check the spelling of the host and that the machine outside the sandbox can resolve it'];
    case 'upstream_unreachable':
    case 'invalid_upstream_response':
      return [
        'the policy allows this connection; check that the server is up and reachable from the machine',
      ];
    case 'malformed_destination':
      return ['write the host as a plain name, as four decimal numbers, or as an IPv6 address in brackets'];
    case 'unsupported_scheme':
      return ['use CONNECT for https URLs (clients do so when https_proxy is set), and http URLs otherwise'];
    case 'too_many_connections':
      return ['close connections that are not needed, or use fewer at once, and try again'];
    case 'request_not_allowed':
      return [`${ASK} to allow the request at the endpoint:\n${ruleYaml(facts)}`];
    case 'request_denied_by_rule':
      return [
        'a deny rule holds whatever else is allowed; if the request is needed, ask the operator to change the rule',
      ];
    case 'path_invalid':
      return ['send the path without dot segments above the root, control characters, `\\` and `%2F`'];
    case 'query_invalid':
      return ['escape every character of the query that is not a plain one, as the UTF-8 bytes `%XX`'];
    case 'malformed_request':
    case 'authority_mismatch':
    case 'request_too_large':
    case 'request_timeout':
    case 'expectation_failed':
    case 'unsupported_protocol':
      return [
        'send one well-formed HTTP/1.1 request to the proxy: CONNECT host:port, or METHOD http://host/path',
      ];
  }
}

/** Lines for the policy file that allow exactly this host and port to exactly this program. */
function endpointYaml({ host, port, binary }: RefusalFacts): string {
  const key = (host ?? 'endpoint').replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
  return [
    'network_policies:',
    `  ${key === '' || /^\d/.test(key) ? `host_${key}` : key}:`,
    '    endpoints:',
    `      - host: ${JSON.stringify(host ?? '')}`,
    `        port: ${port ?? 443}`,
    '    binaries:',
    `      - path: ${binaryYaml(binary) ?? '# the path of the program'}`,
  ].join('\n');
}

/** An allow rule for exactly this method and path; for every path where this one would be read as a pattern. */
function ruleYaml({ method, path, rule }: RefusalFacts): string {
  const writable = path !== null && path.length <= 1024 && /^\/[!-~]*$/.test(path) && !isGlob(path);
  const allowed = `{ method: ${JSON.stringify(method ?? 'GET')}, path: ${JSON.stringify(writable ? path : '/**')} }`;
  return [
    'network_policies:',
    `  ${rule?.policy ?? 'NAME'}:`,
    '    endpoints:',
    `      - # the endpoint${rule?.line == null ? '' : ` on line ${rule.line}`}`,
    '        rules:',
    `          - allow: ${allowed}`,
  ].join('\n');
}

/** A path as a YAML scalar; null when the policy would read it as a pattern, or a terminal as a command. */
function binaryYaml(binary: string | null): string | null {
  if (binary === null || binary.length > 1024) return null;
  return isGlob(binary) || printable(binary) !== binary || /[\t\n]/.test(binary)
    ? null
    : JSON.stringify(binary);
}

function binaryStep(facts: RefusalFacts): string {
  const path = binaryYaml(facts.binary);
  const policy = facts.rule?.policy ?? 'NAME';
  if (path === null) return `${ASK} to list the program under network_policies.${policy}.binaries`;
  return `${ASK} to add the program to the policy:\nnetwork_policies:\n  ${policy}:\n    binaries:\n      - path: ${path}`;
}

function addressStep(facts: RefusalFacts): string {
  const { address } = facts;
  if (address === null || address.class === 'never')
    return `no policy can allow this address; ${vouch(facts)}`;
  const bits = address.text.includes(':') ? 128 : 32;
  return [
    `${ASK} to list the address at the endpoint${facts.rule === null ? '' : ` (${ruleText(facts.rule)})`}:`,
    `allowed_ips: [${JSON.stringify(`${address.text}/${bits}`)}]`,
  ].join('\n');
}

function vouch({ host, port, address }: RefusalFacts): string {
  const bracketed = (text: string) => (text.includes(':') ? `[${text}]` : text);
  const to = address === null ? 'ADDRESS' : bracketed(address.text);
  return `an operator who trusts it can start openshell with --connect-to ${bracketed(host ?? 'HOST')}:${port}:${to}:${port}`;
}
