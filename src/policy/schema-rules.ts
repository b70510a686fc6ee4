/** The policy language: allow and deny rules. Which fields a rule may have depends on the protocol of its endpoint. */
import { either, extension, field, list, map, object, text } from './fields.ts';
import { POLICY_LIMITS } from './limits.ts';

const pattern = text({ maxLength: POLICY_LIMITS.path });
const matcherText = text({ maxLength: POLICY_LIMITS.path, mayBeEmpty: true });

const MATCHER = either(
  matcherText,
  object(
    'matcher',
    'Several patterns, or one: exactly one of `any` and `glob`.',
    {
      any: field(list(matcherText, 1), 'Patterns of which any may match.'),
      glob: field(matcherText, 'One pattern.'),
    },
    { any_of: 'any', anyOf: 'any', one_of: 'any', pattern: 'glob', all: 'any' },
  ),
);

export const RULE = object(
  'rule',
  'What a request must look like. A deny rule matches whatever its omitted fields hold; an allow rule writes `method` and `path` (rest, websocket) or `service` and `method` (grpc) out.',
  {
    method: field(
      text(),
      'rest: a method or `*`. websocket: `GET` (the upgrade), `WEBSOCKET_TEXT` (each text message) or `*`. json-rpc, mcp: the method, as `tools/call`. grpc: the method, or `*`.',
    ),
    path: field(
      pattern,
      'rest, websocket: pattern for the request path. `*` stays inside one segment, `**` goes across, `/v1/**` needs something below `/v1`.',
    ),
    query: field(
      map(MATCHER, 'names of query parameters'),
      'rest, websocket: patterns for query parameters. `*` does not cross `.`; `**` matches everything.',
    ),
    operation_type: field(text(), 'graphql, websocket: `query`, `mutation` or `subscription`.'),
    operation_name: field(pattern, 'graphql, websocket: pattern for the name of the operation.'),
    fields: field(
      list(pattern, 1),
      'graphql, websocket: patterns for root fields. Allow: each must match one; deny: one is enough.',
    ),
    tool: field(MATCHER, 'mcp: name of the tool that `tools/call` calls.'),
    params: field(
      object('params', 'Parameters; mcp knows `name` only.', {
        name: field(MATCHER, 'mcp: the same as `tool`.'),
      }),
      'mcp: `{name: ...}`, the same as `tool`.',
    ),
    command: field(text(), 'sql: the statement, as `SELECT`.'),
    service: extension(pattern, 'grpc: `package.Service`, or a pattern in which `*` does not cross `.`.'),
  },
  {
    methods: 'method',
    verb: 'method',
    paths: 'path',
    url: 'path',
    queries: 'query',
    type: 'operation_type',
    operation: 'operation_type',
    field: 'fields',
    tools: 'tool',
    name: 'tool',
    commands: 'command',
  },
);

export const ALLOW_ENTRY = object('allow_entry', 'One rule.', {
  allow: field(RULE, 'What a request must look like to be allowed.', { required: true }),
});
