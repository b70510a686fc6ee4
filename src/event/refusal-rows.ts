/** The table of refusals (docs/denials.md): one row for each thing that can be refused for a reason of its own. */
import type { Reason } from './event.ts';

export interface RefusalRow {
  /** Ours, stable: never given to another refusal. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** The value that OpenShell uses where it has one. */
  readonly error: string;
  /** The reason that the event gives. */
  readonly reason: Reason;
  /** For docs/denials.md. */
  readonly meaning: string;
}

const row = (code: number, status: number, error: string, reason: Reason, meaning: string): RefusalRow => ({
  code: `OSH-EGR-${String(code).padStart(3, '0')}`,
  status,
  error,
  reason,
  meaning,
});

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
  body_too_large: row(
    40,
    413,
    'request_body_too_large',
    'body_too_large',
    'the body is longer than the endpoint lets it be, so it is not read',
  ),
  graphql_invalid: row(
    41,
    400,
    'invalid_graphql_request',
    'graphql_invalid',
    'the request is no GraphQL, or could be read in different ways',
  ),
  json_rpc_invalid: row(
    42,
    400,
    'invalid_json_rpc_request',
    'json_rpc_invalid',
    'the request is no JSON-RPC 2.0, or could be read in different ways',
  ),
  mcp_invalid: row(
    43,
    400,
    'invalid_mcp_request',
    'mcp_invalid',
    'the request is not as its revision of MCP has it, or could be read in different ways',
  ),
  mcp_method_not_allowed: row(
    44,
    405,
    'invalid_mcp_request',
    'mcp_method_not_allowed',
    'the revision of MCP has no such request method',
  ),
  mcp_version_unsupported: row(
    45,
    400,
    'unsupported_mcp_protocol_version',
    'mcp_version_unsupported',
    'MCP-Protocol-Version names no revision that is known',
  ),
  mcp_version_not_allowed: row(
    46,
    403,
    'mcp_protocol_version_not_allowed',
    'mcp_version_not_allowed',
    'the endpoint does not allow this revision of MCP',
  ),
  grpc_invalid: row(47, 400, 'invalid_grpc_request', 'grpc_invalid', 'the request is no gRPC'),
  too_many_bodies: row(
    48,
    503,
    'too_many_bodies',
    'too_many_connections',
    'so many bodies of the sandbox wait for a decision that this one is not read',
  ),
  guardrail_denied: row(
    60,
    403,
    'policy_denied',
    'guardrail_denied',
    'the policy allows it, and a guardrail of the operator does not',
  ),
  guardrail_failed: row(
    61,
    503,
    'policy_denied',
    'guardrail_failed',
    'the policy allows it, and a guardrail of the operator gave no answer',
  ),
} as const satisfies Readonly<Record<string, RefusalRow>>;

export type RefusalKind = keyof typeof REFUSALS;
