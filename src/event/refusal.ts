/**
 * The one body that every refusal of ours carries, on whatever path it is answered (docs/denials.md). It says which
 * rule refused, and what an operator would write to allow it: the sandboxed program is often an agent that reads it.
 */
import { isGlob } from '../base/glob.ts';
import { bracketed } from '../base/host-port.ts';
import { printable } from '../base/source.ts';
import { credentialSteps, isCredentialRefusal } from './credential-refusals.ts';
import type { EventLayer, RuleReference } from './event.ts';
import { REFUSALS, type RefusalKind } from './refusal-rows.ts';

export { REFUSALS, type RefusalKind, type RefusalRow } from './refusal-rows.ts';

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
  /** Fields of a rule that would allow it, where method and path do not say what was asked for. */
  readonly wanted?: Readonly<Record<string, string | readonly string[]>> | null;
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
    case 'guardrail_denied':
      return ['guardrails hold whatever the policy allows; ask the operator if this is needed'];
    case 'guardrail_failed':
      return ['try again; if it stays, tell the operator that the guardrail gives no answer'];
    case 'path_invalid':
      return ['send the path without dot segments above the root, control characters, `\\` and `%2F`'];
    case 'query_invalid':
      return ['escape every character of the query that is not a plain one, as the UTF-8 bytes `%XX`'];
    case 'body_too_large':
      return [
        `send less at once, or ask the operator to raise the limit for bodies at the endpoint${place(facts)}`,
      ];
    case 'too_many_bodies':
      return ['send fewer requests with bodies at once, and try again'];
    case 'graphql_invalid':
      return ['send one JSON object with `query` and, where there are several operations, `operationName`'];
    case 'json_rpc_invalid':
      return ['send one JSON-RPC 2.0 message as application/json in UTF-8, each member of an object once'];
    case 'mcp_invalid':
    case 'mcp_method_not_allowed':
      return [
        'send one message of MCP as application/json in UTF-8, as the revision that its headers name has it',
      ];
    case 'mcp_version_unsupported':
    case 'mcp_version_not_allowed':
      return [
        `send one MCP-Protocol-Version that the endpoint allows, or ask the operator to list the revision under \`mcp.versions\`${place(facts)}`,
      ];
    case 'grpc_invalid':
      return ['send a POST of application/grpc to /package.Service/Method'];
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

/** An allow rule for exactly this method and path, on every path where this one would be read as a pattern; or for what was asked for. */
function ruleYaml({ method, path, rule, wanted }: RefusalFacts): string {
  const writable = path !== null && path.length <= 1024 && /^\/[!-~]*$/.test(path) && !isGlob(path);
  const fields = wanted ?? { method: method ?? 'GET', path: writable ? path : '/**' };
  const allowed = Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return [
    'network_policies:',
    `  ${rule?.policy ?? 'NAME'}:`,
    '    endpoints:',
    `      - # the endpoint${rule?.line == null ? '' : ` on line ${rule.line}`}`,
    '        rules:',
    `          - allow: { ${allowed.join(', ')} }`,
  ].join('\n');
}

const place = ({ rule }: RefusalFacts): string => (rule === null ? '' : ` (${ruleText(rule)})`);

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
    `${ASK} to list the address at the endpoint${place(facts)}:`,
    `allowed_ips: [${JSON.stringify(`${address.text}/${bits}`)}]`,
  ].join('\n');
}

function vouch({ host, port, address }: RefusalFacts): string {
  const to = address === null ? 'ADDRESS' : bracketed(address.text);
  return `an operator who trusts it can start openshell with --connect-to ${bracketed(host ?? 'HOST')}:${port}:${to}:${port}`;
}
