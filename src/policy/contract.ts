/** What two endpoints that can match the same traffic must say alike. */
import type { Endpoint, L7Rule } from './policy.ts';

/** A list of settings by name, as text; in the order in which a difference is reported. */
export type Settings = readonly (readonly [name: string, value: string])[];

export interface Contract {
  /** Of the connection: must agree wherever hosts and ports overlap. */
  readonly connection: Settings;
  /** Of the requests in it: must agree where paths are equally specific too. Null: the connection is not opened. */
  readonly requests: Settings | null;
  /** Equal for equal contracts. */
  readonly key: string;
  readonly connectionKey: string;
}

export function contractOf(endpoint: Endpoint): Contract {
  const connection: Settings = [
    ['protocol: tcp', endpoint.protocol?.value === 'tcp' ? 'set' : 'not set'],
    ['tls', endpoint.tlsSkip ? 'skip' : 'automatic'],
    ['allowed_ips', shown(endpoint.allowedIps.map(({ value }) => value))],
  ];
  const requests = endpoint.inspectedBecause === null ? null : requestSettings(endpoint);
  const connectionKey = JSON.stringify(connection);
  return { connection, requests, connectionKey, key: JSON.stringify([connection, requests]) };
}

function requestSettings(endpoint: Endpoint): Settings {
  const protocol = endpoint.protocol?.value ?? null;
  return [
    ['protocol', protocol ?? 'none'],
    ['enforcement', endpoint.enforcement],
    ['allow_encoded_slash', String(endpoint.allowEncodedSlash)],
    ['websocket_credential_rewrite', String(endpoint.websocketCredentialRewrite)],
    ['request_body_credential_rewrite', String(endpoint.requestBodyCredentialRewrite)],
    ['credential_signing', endpoint.credentialSigning?.value ?? 'none'],
    ['signing_service', endpoint.signingService ?? 'none'],
    ['signing_region', endpoint.signingRegion ?? 'none'],
    ['credential_binding.provider', endpoint.credentialBinding?.provider ?? 'none'],
    ['credential_binding.headers', shown(endpoint.credentialBinding?.headers ?? [])],
    ['credential_binding.cleartext', String(endpoint.credentialBinding?.cleartext ?? false)],
    ['allow_uninspected_credentials', String(endpoint.allowUninspectedCredentials)],
    ['GraphQL rules', String(protocol === 'websocket' && hasGraphqlRules(endpoint))],
    ['max_body_bytes', endpoint.maxBodyBytes === null ? 'the default' : String(endpoint.maxBodyBytes)],
    ['mcp.strict_tool_names', String(endpoint.mcp?.strictToolNames ?? 'none')],
    ['mcp.versions', shown(endpoint.mcp?.versions ?? [])],
  ];
}

const shown = (values: readonly string[]): string =>
  values.length === 0 ? 'none' : [...values].sort().join(', ');

function hasGraphqlRules({ rules, denyRules }: Endpoint): boolean {
  const isGraphql = (rule: L7Rule): boolean => rule.operationType !== null || rule.fields.length > 0;
  return [...(rules ?? []), ...(denyRules ?? [])].some(isGraphql);
}

/** The first setting that differs, null when none does. */
export function difference(
  a: Settings,
  b: Settings,
): { readonly name: string; readonly values: readonly [string, string] } | null {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index]![1];
    if (other !== value) return { name, values: [value, other] };
  }
  return null;
}
