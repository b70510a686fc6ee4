/** The policy language: network policies, endpoints, binaries and middlewares. */
import {
  boolean,
  either,
  extension,
  field,
  integer,
  list,
  map,
  object,
  oneOf,
  open,
  removed,
  text,
} from './fields.ts';
import { POLICY_LIMITS } from './limits.ts';
import { PROTOCOLS } from './policy.ts';
import { ALLOW_ENTRY, RULE } from './schema-rules.ts';

const pattern = text({ maxLength: POLICY_LIMITS.path });
const host = text({ plain: true, mayBeEmpty: true });
const port = integer(1, 65_535);
const bodyLimit = integer(1, POLICY_LIMITS.inspectedBody);

export const BINARY = object(
  'binary',
  'A program that may use the endpoints.',
  {
    path: field(
      pattern,
      'Absolute path of the executable, or a pattern: `*` stays inside one component, `**` goes across. `/**` is every program.',
      { required: true },
    ),
    ancestors: extension(
      boolean,
      'Whether an ancestor process may match instead of the program that connects.',
      {
        default: 'true',
      },
    ),
    sha256: extension(
      text({ plain: true, pattern: '^[0-9a-fA-F]{64}$' }),
      'The only content that may match: SHA-256 of the file, 64 hexadecimal digits.',
    ),
    harness: removed(boolean, 'No effect; newer versions of OpenShell refuse it.'),
  },
  {
    exe: 'path',
    binary: 'path',
    name: 'path',
    hash: 'sha256',
    checksum: 'sha256',
    digest: 'sha256',
    ancestor: 'ancestors',
  },
);

const PERSISTED_QUERY = object('persisted_query', 'What a registered query does.', {
  operation_type: field(oneOf(['query', 'mutation', 'subscription']), 'Kind of the operation.', {
    required: true,
  }),
  operation_name: field(text(), 'Name of the operation.'),
  fields: field(list(text()), 'Root fields that it selects.', { default: '[]' }),
});

const MCP = object('mcp', 'Options of `protocol: mcp`.', {
  max_body_bytes: field(bodyLimit, 'Longest body that is read.', { default: '65536' }),
  strict_tool_names: field(boolean, 'Refuse tool names other than 1 to 128 of `A-Z a-z 0-9 _ . -`.', {
    default: 'true',
  }),
  allow_all_known_mcp_methods: field(
    boolean,
    'Allow every core method of the revision; rules then narrow tools only.',
    { default: 'false' },
  ),
  versions: field(
    list(oneOf(['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']), 1),
    'Protocol revisions that are allowed.',
    { default: '["2025-11-25"]' },
  ),
});

export const ENDPOINT = object(
  'endpoint',
  'A destination. Without protocol, access, rules and credentials the connection is never opened: host, port and program decide.',
  {
    host: field(
      host,
      'A name, an address, or a pattern: `*.example.com` is one label more, `**.example.com` one or more. Empty only with `allowed_ips`.',
    ),
    port: field(port, 'Port of the destination.'),
    ports: field(list(port), 'Several ports; they count instead of `port`.', { default: '[]' }),
    path: field(
      text({ maxLength: POLICY_LIMITS.path, mayBeEmpty: true }),
      'Which requests this endpoint is about, when several share a host: `/v1/**` is `/v1` and everything below.',
      { default: '""' },
    ),
    protocol: field(
      oneOf(PROTOCOLS, {
        ignoreCase: true,
        mistakes: {
          http: 'rest',
          https: 'rest',
          http1: 'rest',
          http2: 'rest',
          ws: 'websocket',
          wss: 'websocket',
          jsonrpc: 'json-rpc',
          json_rpc: 'json-rpc',
          gql: 'graphql',
          tls: 'tcp',
          ssh: 'tcp',
        },
      }),
      'How the connection is read. `tcp`, `udp` (extension) or omitted: not at all. `grpc` is an extension.',
    ),
    tls: field(
      oneOf(['skip', 'terminate', 'passthrough'], { tolerated: ['terminate', 'passthrough'] }),
      '`skip`: the connection stays closed whatever it holds.',
    ),
    enforcement: field(
      oneOf(['enforce', 'audit'], {
        mistakes: {
          block: 'enforce',
          enforced: 'enforce',
          deny: 'enforce',
          log: 'audit',
          monitor: 'audit',
          warn: 'audit',
        },
      }),
      '`enforce` refuses requests that no rule allows, `audit` only records them. OpenShell’s own default is `audit`.',
      { default: 'enforce' },
    ),
    access: field(
      oneOf(['read-only', 'read-write', 'full'], {
        mistakes: {
          read_only: 'read-only',
          readonly: 'read-only',
          read: 'read-only',
          read_write: 'read-write',
          write: 'read-write',
          all: 'full',
          any: 'full',
        },
      }),
      'A ready-made set of rules. `read-only`: GET, HEAD, OPTIONS, or queries. `read-write`: also POST, PUT, PATCH, or mutations. `full`: everything.',
    ),
    rules: field(list(ALLOW_ENTRY, 1), 'Requests that are allowed; excludes `access`.'),
    deny_rules: field(list(RULE, 1), 'Requests that are refused although a rule or `access` allows them.'),
    allowed_ips: field(
      list(text({ plain: true })),
      'Addresses and CIDR blocks in which the host must lie, each of its addresses. Needed for private addresses of patterns and of an empty host.',
    ),
    allow_encoded_slash: field(boolean, 'Keep `%2F` in request paths instead of refusing it.', {
      default: 'false',
    }),
    websocket_credential_rewrite: field(boolean, 'Put credentials into WebSocket text messages.', {
      default: 'false',
    }),
    request_body_credential_rewrite: field(boolean, 'Put credentials into request bodies (`rest`).', {
      default: 'false',
    }),
    allow_uninspected_credentials: field(
      boolean,
      'Let a bound credential be used where it cannot be inspected.',
      {
        default: 'false',
      },
    ),
    credential_binding: field(
      object('credential_binding', 'The credential that requests to this endpoint get.', {
        provider: field(text(), 'Name of the provider or of `--credential NAME=...`.', { required: true }),
        headers: extension(
          list(text({ plain: true })),
          'Headers, besides Authorization, in which the credential may stand.',
          { default: '["x-api-key"]' },
        ),
        cleartext: extension(boolean, 'Let the credential be sent without TLS too.', { default: 'false' }),
      }),
      'The credential that requests to this endpoint get.',
    ),
    credential_signing: field(
      oneOf(['sigv4', 'sigv4:body', 'sigv4:no_body']),
      'Sign requests with AWS Signature Version 4.',
    ),
    signing_service: field(text(), 'Service name for the signature; needed with `credential_signing`.'),
    signing_region: field(text(), 'Region for the signature, when the host does not say it.'),
    persisted_queries: field(oneOf(['deny', 'allow_registered']), 'GraphQL requests that send a hash only.', {
      default: 'deny',
    }),
    graphql_persisted_queries: field(
      map(PERSISTED_QUERY, 'hashes or ids of queries'),
      'The registered queries.',
    ),
    graphql_max_body_bytes: field(bodyLimit, 'Longest GraphQL body that is read.', { default: '65536' }),
    json_rpc: field(
      object('json_rpc', 'Options of `protocol: json-rpc`.', {
        max_body_bytes: field(bodyLimit, 'Longest body that is read.', { default: '65536' }),
      }),
      'Options of `protocol: json-rpc`.',
    ),
    mcp: field(MCP, 'Options of `protocol: mcp`.'),
  },
  {
    hosts: 'host',
    hostname: 'host',
    domain: 'host',
    domains: 'host',
    address: 'host',
    url: 'host',
    allow: 'rules',
    allow_rules: 'rules',
    methods: 'rules',
    deny: 'deny_rules',
    paths: 'path',
    type: 'protocol',
    scheme: 'protocol',
    mode: 'enforcement',
    action: 'enforcement',
    permissions: 'access',
    preset: 'access',
    ips: 'allowed_ips',
    cidrs: 'allowed_ips',
    credential: 'credential_binding',
    credentials: 'credential_binding',
    max_body_bytes: 'graphql_max_body_bytes',
  },
);

export const NETWORK_POLICY = object(
  'network_policy',
  'Which programs may reach which endpoints.',
  {
    name: field(text(), 'Shown in denials and events. Omitted: the key.'),
    endpoints: field(list(ENDPOINT), 'The destinations.', { default: '[]' }),
    binaries: field(
      list(either(pattern, BINARY)),
      'The programs, each a path or a mapping. Empty or omitted: nobody.',
      { default: '[]' },
    ),
  },
  {
    hosts: 'endpoints',
    host: 'endpoints',
    endpoint: 'endpoints',
    allow: 'endpoints',
    domains: 'endpoints',
    urls: 'endpoints',
    destinations: 'endpoints',
    binary: 'binaries',
    bins: 'binaries',
    programs: 'binaries',
    processes: 'binaries',
    executables: 'binaries',
  },
);

export const MIDDLEWARE = object(
  'middleware',
  'A stage that sees requests to some hosts before they leave.',
  {
    name: field(text(), 'Shown in events. Omitted: the key.'),
    middleware: field(text(), 'Which implementation; `openshell/` names built-in ones.', { required: true }),
    order: field(integer(-(2 ** 31), 2 ** 31 - 1), 'Smaller ones come first; no two may be equal.', {
      default: '0',
    }),
    config: field(open, 'Settings, checked by the implementation.', { default: '{}' }),
    on_error: field(oneOf(['fail_closed', 'fail_open']), 'What happens to a request when the stage fails.', {
      default: 'fail_closed',
    }),
    on_uninspectable: field(oneOf(['allow', 'deny']), 'What happens to traffic that the stage cannot read.'),
    endpoints: field(
      object('middleware.endpoints', 'Which hosts it sees.', {
        include: field(list(text({ plain: true }), 1), 'Host patterns.', { required: true }),
        exclude: field(list(text({ plain: true })), 'Host patterns that are left out.', { default: '[]' }),
      }),
      'Which hosts it sees.',
      { required: true },
    ),
  },
  { type: 'middleware', kind: 'middleware', hosts: 'endpoints', settings: 'config', options: 'config' },
);
