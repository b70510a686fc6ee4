/** One endpoint: where it leads, and what may be said there. */
import { checkCredentials, credentialBinding } from './credentials.ts';
import { checkDestination, type EndpointRead, headOf } from './destination.ts';
import { checkEndpointRules } from './endpoint-rules.ts';
import type { TextRead } from './file-path.ts';
import { type Issues, quoted } from './issues.ts';
import { checkRequestPath } from './pattern.ts';
import type { At, Endpoint, McpOptions, PersistedQuery, Protocol } from './policy.ts';
import { checkOptions } from './protocol-options.ts';

/** Null when it leads nowhere; whatever else is wrong was reported, and the policy is not used. */
export function checkEndpoint(read: EndpointRead, index: number, issues: Issues): Endpoint | null {
  const { fields } = read.value;
  const destination = checkDestination(read, issues);
  const protocol = effectiveProtocol(read, issues);
  const inspectedBecause = findInspection(read);
  if (protocol !== null || !read.value.keys.has('protocol')) {
    checkOptions(read, protocol?.value ?? null, inspectedBecause !== null, issues);
  }
  checkTls(read, inspectedBecause, issues);
  checkCredentials(read, issues);
  if (fields.path !== undefined)
    checkSelector(fields.path, fields.allow_encoded_slash?.value ?? false, issues);
  const rules = checkEndpointRules(read, protocol, issues);
  if (destination === null) return null;
  return {
    span: headOf(read).span ?? read.span,
    index,
    ...destination,
    ...rules,
    protocol,
    path: fields.path === undefined ? null : at(fields.path),
    tlsSkip: fields.tls?.value === 'skip',
    enforcement: fields.enforcement?.value ?? (protocol?.value === 'sql' ? 'audit' : 'enforce'),
    access: fields.access === undefined ? null : at(fields.access),
    allowEncodedSlash: fields.allow_encoded_slash?.value ?? false,
    websocketCredentialRewrite: fields.websocket_credential_rewrite?.value ?? false,
    requestBodyCredentialRewrite: fields.request_body_credential_rewrite?.value ?? false,
    allowUninspectedCredentials: fields.allow_uninspected_credentials?.value ?? false,
    persistedQueries: fields.persisted_queries?.value ?? 'deny',
    graphqlPersistedQueries: persistedQueries(read),
    maxBodyBytes: maxBodyBytes(read, protocol?.value ?? null),
    credentialSigning: fields.credential_signing === undefined ? null : at(fields.credential_signing),
    signingService: fields.signing_service?.value ?? null,
    signingRegion: fields.signing_region?.value ?? null,
    credentialBinding: credentialBinding(read),
    mcp: protocol?.value === 'mcp' ? mcpOptions(read, issues) : null,
    inspectedBecause,
  };
}

const at = <T>({ value, span }: At<T>): At<T> => ({ value, span });

/** As written; `rest` where only rules or `access` say that requests are meant. */
function effectiveProtocol(read: EndpointRead, issues: Issues): At<Protocol> | null {
  const { fields, keys } = read.value;
  if (keys.has('protocol')) return fields.protocol === undefined ? null : at(fields.protocol);
  const implying = (['access', 'rules'] as const).find((key) => keys.has(key));
  if (implying === undefined) return null;
  const span = keys.get(implying)!;
  const message = `\`${implying}\` without \`protocol\` is read as \`protocol: rest\` (OpenShell would not apply it)`;
  issues.report(
    'protocol_implied',
    { span, path: `${read.path}.${implying}` },
    message,
    'Write `protocol: rest`.',
  );
  return { value: 'rest', span };
}

/** The first thing that needs a look inside the connection (docs/policy.md, "What is inspected"). */
function findInspection(read: EndpointRead): At<string> | null {
  const { fields, keys } = read.value;
  const { protocol } = fields;
  if (protocol !== undefined && protocol.value !== 'tcp' && protocol.value !== 'udp') {
    return { value: `protocol: ${protocol.value}`, span: protocol.span };
  }
  if (fields.access !== undefined)
    return { value: `access: ${fields.access.value}`, span: fields.access.span };
  for (const key of ['rules', 'deny_rules', 'credential_binding'] as const) {
    const span = keys.get(key);
    if (span !== undefined) return { value: key, span };
  }
  return null;
}

function checkTls(read: EndpointRead, inspectedBecause: At<string> | null, issues: Issues): void {
  const { tls } = read.value.fields;
  if (tls === undefined) return;
  if (tls.value !== 'skip') {
    const message = `\`tls: ${tls.value}\` has no effect, and OpenShell 0.1.0 and later refuse it`;
    issues.report('deprecated_tls', tls, message, 'Remove the key: TLS is opened wherever a rule needs it.');
    return;
  }
  const { value: because } = inspectedBecause ?? {};
  if (because === undefined || because === 'credential_binding') return;
  const message = `\`tls: skip\` keeps the connection closed, so \`${because}\` could not be applied to it`;
  issues.report('tls_skip_inspected', tls, message, 'Remove `tls: skip`, or what needs to read requests.');
}

/** Endpoint paths: OpenShell reads them with two matchers that differ. */
function checkSelector(read: TextRead, encodedSlash: boolean, issues: Issues): void {
  if (read.value === '' || !checkRequestPath(read, encodedSlash, issues)) return;
  if (!read.value.replace(/(?:^|\/)\*\*$/, '').includes('*')) return;
  const message = `\`*\` in ${quoted(read.value)} stays inside one path segment here; OpenShell may let it go across`;
  issues.report('pattern_dialect', read, message);
}

function persistedQueries(read: EndpointRead): PersistedQuery[] {
  return (read.value.fields.graphql_persisted_queries?.value ?? []).flatMap(({ key, read: query }) => {
    const fields = query?.value.fields;
    if (fields?.operation_type === undefined) return [];
    return {
      id: key,
      operationType: fields.operation_type.value,
      operationName: fields.operation_name?.value ?? null,
      fields: (fields.fields?.value ?? []).map(({ value }) => value),
    };
  });
}

function maxBodyBytes(read: EndpointRead, protocol: Protocol | null): number | null {
  const { fields } = read.value;
  switch (protocol) {
    case 'graphql':
    case 'websocket':
      return fields.graphql_max_body_bytes?.value ?? null;
    case 'json-rpc':
      return fields.json_rpc?.value.fields.max_body_bytes?.value ?? null;
    case 'mcp':
      return fields.mcp?.value.fields.max_body_bytes?.value ?? null;
    default:
      return null;
  }
}

/** The oldest clients send no revision, but 2025-11-25 is what OpenShell allows when nothing is written. */
const DEFAULT_VERSIONS = ['2025-11-25'] as const;

function mcpOptions(read: EndpointRead, issues: Issues): McpOptions {
  const fields = read.value.fields.mcp?.value.fields;
  const versions = fields?.versions?.value;
  const seen = new Set<string>();
  for (const version of versions ?? []) {
    if (seen.has(version.value)) {
      issues.report(
        'duplicate_entry',
        version,
        `${quoted(version.value)} stands in this list twice`,
        'Remove one.',
      );
    }
    seen.add(version.value);
  }
  return {
    strictToolNames: fields?.strict_tool_names?.value ?? true,
    allowAllKnownMethods: fields?.allow_all_known_mcp_methods?.value ?? false,
    versions: versions === undefined ? DEFAULT_VERSIONS : [...seen].sort(),
  };
}
