/** Rules about what requests ask for in bodies and messages, and how that is read. */
import type {
  CallRule,
  GraphqlRules,
  GrpcRule,
  GrpcRules,
  JsonRpcRules,
  McpRules,
  MessageRules,
  OperationRule,
  OperationType,
} from '../plan/messages.ts';
import type { InspectedProtocol } from '../plan/plan.ts';
import type { Endpoint, L7Rule } from '../policy/policy.ts';

/** OpenShell's default, for all protocols (docs/limits.md). */
const MAX_BODY_BYTES = 65_536;

const TOOL_CALL = 'tools/call';

const PRESETS: Readonly<Record<NonNullable<Endpoint['access']>['value'], readonly OperationRule['type'][]>> =
  {
    'read-only': ['query'],
    'read-write': ['query', 'mutation'],
    full: ['*'],
  };

export const isAboutOperations = ({ operationType, operationName, fields }: L7Rule): boolean =>
  operationType !== null || operationName !== null || fields.length > 0;

export function messageRulesOf(endpoint: Endpoint, protocol: InspectedProtocol): MessageRules | null {
  switch (protocol) {
    case 'rest':
      return null;
    case 'websocket':
      return [...(endpoint.rules ?? []), ...(endpoint.denyRules ?? [])].some(isAboutOperations)
        ? graphqlRules(endpoint)
        : null;
    case 'graphql':
      return graphqlRules(endpoint);
    case 'json-rpc':
      return jsonRpcRules(endpoint);
    case 'mcp':
      return mcpRules(endpoint);
    case 'grpc':
      return grpcRules(endpoint);
  }
}

function graphqlRules(endpoint: Endpoint): GraphqlRules {
  const { access, rules, denyRules } = endpoint;
  const preset = endpoint.protocol?.value === 'graphql' && access !== null ? PRESETS[access.value] : [];
  return {
    kind: 'graphql',
    maxBodyBytes: bodyLimit(endpoint),
    registered:
      endpoint.persistedQueries === 'deny'
        ? []
        : endpoint.graphqlPersistedQueries.map(({ id, operationType, operationName, fields }) => ({
            id,
            type: operationType as OperationType,
            name: operationName,
            fields,
          })),
    allow:
      rules === null
        ? preset.map((type) => ({ index: null, line: access!.span.line, type, name: null, fields: [] }))
        : operationRules(rules),
    deny: operationRules(denyRules ?? []),
  };
}

const operationRules = (rules: readonly L7Rule[]): OperationRule[] =>
  rules.filter(isAboutOperations).map(({ index, span, operationType, operationName, fields }) => ({
    index,
    line: span.line,
    type: (operationType ?? '*') as OperationRule['type'],
    name: operationName,
    fields,
  }));

const jsonRpcRules = (endpoint: Endpoint): JsonRpcRules => ({
  kind: 'json-rpc',
  maxBodyBytes: bodyLimit(endpoint),
  allow: callRules(endpoint.rules ?? []),
  deny: callRules(endpoint.denyRules ?? []),
});

function mcpRules(endpoint: Endpoint): McpRules {
  const { mcp, protocol } = endpoint;
  const own = callRules(endpoint.rules ?? []);
  // Rules for single tools say which: the core methods then are all the others.
  const tools = own.some((rule) => rule.tools !== null) ? [] : null;
  const core: CallRule = { index: null, line: protocol?.span.line ?? null, method: null, tools };
  return {
    kind: 'mcp',
    maxBodyBytes: bodyLimit(endpoint),
    strictToolNames: mcp?.strictToolNames ?? true,
    versions: mcp?.versions ?? [],
    allow: mcp?.allowAllKnownMethods === true ? [...own, core] : own,
    deny: callRules(endpoint.denyRules ?? []),
  };
}

const callRules = (rules: readonly L7Rule[]): CallRule[] =>
  rules.map(({ index, span, method, tool }) => ({
    index,
    line: span.line,
    method: method ?? (tool === null ? '*' : TOOL_CALL),
    tools: tool === null ? null : tool.anyOf,
  }));

function grpcRules({ access, rules, denyRules }: Endpoint): GrpcRules {
  const everything: GrpcRule[] =
    access === null ? [] : [{ index: null, line: access.span.line, service: '**', method: '*' }];
  return {
    kind: 'grpc',
    allow: rules === null ? everything : methodRules(rules),
    deny: methodRules(denyRules ?? []),
  };
}

const methodRules = (rules: readonly L7Rule[]): GrpcRule[] =>
  rules.map(({ index, span, service, method }) => ({
    index,
    line: span.line,
    service: service ?? '**',
    method: method ?? '*',
  }));

const bodyLimit = ({ maxBodyBytes }: Endpoint): number => maxBodyBytes ?? MAX_BODY_BYTES;
