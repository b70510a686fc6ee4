/** Allow and deny rules: what a rule may and must say, by the protocol of its endpoint. */
import type { Span } from '../base/source.ts';
import type { TextRead } from './file-path.ts';
import { alternatives, type Issues, quoted } from './issues.ts';
import { checkMatcher, globText, type RuleRead } from './matcher.ts';
import { checkMcpRule, checkMcpRules, type McpRuleContext } from './mcp-rules.ts';
import { HTTP_METHODS, WEBSOCKET_METHODS } from './methods.ts';
import { checkRequestPath } from './pattern.ts';
import type { L7Rule, Protocol, QueryRule } from './policy.ts';
import { nearest } from './suggest.ts';

type RuleField = keyof RuleRead['value']['fields'];
export type RuleProtocol = Exclude<Protocol, 'tcp' | 'udp'>;

export interface RuleContext extends McpRuleContext {
  readonly protocol: RuleProtocol;
  readonly kind: 'allow' | 'deny';
  readonly encodedSlash: boolean;
}

const TRANSPORT_FIELDS = ['method', 'path', 'query'] as const;
const GRAPHQL_FIELDS = ['operation_type', 'operation_name', 'fields'] as const;

const RULE_FIELDS: Readonly<Record<RuleProtocol, readonly RuleField[]>> = {
  rest: TRANSPORT_FIELDS,
  websocket: [...TRANSPORT_FIELDS, ...GRAPHQL_FIELDS],
  graphql: GRAPHQL_FIELDS,
  'json-rpc': ['method'],
  mcp: ['method', 'tool', 'params'],
  sql: ['command'],
  grpc: ['service', 'method'],
};

/** What an allow rule must say; a deny rule only `operation_type` and a JSON-RPC `method`, without which it says nothing. */
const NEEDED: Readonly<Record<RuleProtocol, readonly RuleField[]>> = {
  rest: ['method', 'path'],
  websocket: ['method', 'path'],
  graphql: ['operation_type'],
  'json-rpc': ['method'],
  mcp: [],
  sql: ['command'],
  grpc: ['service', 'method'],
};

export function checkRules(
  rules: readonly RuleRead[],
  context: RuleContext,
  issues: Issues,
): readonly L7Rule[] {
  const checked = rules.map((rule, index) => checkRule(rule, index, context, issues));
  if (context.protocol === 'websocket') checkWebsocketMix(rules, issues);
  if (context.protocol === 'mcp' && context.kind === 'allow') checkMcpRules(rules, issues);
  return checked;
}

function checkRule(read: RuleRead, index: number, context: RuleContext, issues: Issues): L7Rule {
  const { fields, keys } = read.value;
  checkFields(read, context, issues);
  const operation = operationType(fields.operation_type, issues);
  if (fields.path !== undefined) checkRequestPath(fields.path, context.encodedSlash, issues);
  return {
    span: firstKey(keys) ?? read.span,
    index,
    method: fields.method === undefined ? null : checkMethod(fields.method, context, issues),
    path: fields.path?.value ?? null,
    query: (fields.query?.value ?? []).flatMap(({ key, read: matcher }): QueryRule[] =>
      matcher === undefined ? [] : [{ name: key, matcher: checkMatcher(matcher, issues) }],
    ),
    operationType: operation,
    operationName: fields.operation_name === undefined ? null : globText(fields.operation_name, issues),
    fields: (fields.fields?.value ?? []).map((field) => globText(field, issues)),
    tool: context.protocol === 'mcp' ? checkMcpRule(read, context, issues) : null,
    command: fields.command?.value ?? null,
    service: fields.service === undefined ? null : checkService(fields.service, issues),
  };
}

const firstKey = (keys: ReadonlyMap<string, Span>): Span | undefined => keys.values().next().value;

function checkFields(read: RuleRead, { protocol, kind }: RuleContext, issues: Issues): void {
  const { keys } = read.value;
  const known: readonly string[] = RULE_FIELDS[protocol];
  const place = { span: firstKey(keys) ?? read.span, path: read.path };
  if (keys.size === 0) {
    const message = `the rule is empty: as ${kind === 'allow' ? 'an allow rule' : 'a deny rule'} it would match ${kind === 'allow' ? 'nothing' : 'everything'}`;
    issues.report(
      'empty_rule',
      place,
      message,
      `A rule for \`protocol: ${protocol}\` has ${alternatives(known, 'and')}.`,
    );
    return;
  }
  for (const [key, span] of keys) {
    if (known.includes(key) || !(Object.values(RULE_FIELDS).flat() as string[]).includes(key)) continue;
    const message = `${quoted(key)} does not belong to rules of \`protocol: ${protocol}\``;
    issues.report(
      'rule_field',
      { span, path: `${read.path}.${key}` },
      message,
      `They have ${alternatives(known, 'and')}.`,
    );
  }
  const graphql = protocol === 'websocket' && GRAPHQL_FIELDS.some((key) => keys.has(key));
  const needed = graphql ? NEEDED.graphql : NEEDED[protocol];
  for (const key of needed) {
    const implied = kind === 'deny' && key !== 'operation_type' && protocol !== 'json-rpc';
    if (keys.has(key) || implied) continue;
    issues.report('missing_key', place, `the rule needs \`${key}\``, ALL[key] ?? null);
  }
}

/** What to write for "everything". */
const ALL: Partial<Record<RuleField, string>> = {
  method: 'Write `method: "*"` for every method.',
  path: 'Write `path: "/**"` for every path.',
  service: 'Write `service: "**"` for every service.',
  operation_type: 'Write `query`, `mutation` or `subscription`; `access: full` allows all of them.',
};

function checkMethod(read: TextRead, { protocol }: RuleContext, issues: Issues): string {
  switch (protocol) {
    case 'rest':
      return knownMethod(read, HTTP_METHODS, issues);
    case 'websocket':
      return knownMethod(read, WEBSOCKET_METHODS, issues);
    case 'json-rpc':
      if (read.value !== '*' && /[*?[\]{}\s]/.test(read.value)) {
        const message = `${quoted(read.value)} is a pattern; JSON-RPC methods are named in full`;
        issues.report('unknown_method', read, message, 'Write one rule for each method, or `*` for all.');
      }
      return read.value;
    case 'grpc':
      if (read.value !== '*' && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(read.value)) {
        const message = `${quoted(read.value)} is no name of a gRPC method`;
        issues.report(
          'unknown_method',
          read,
          message,
          'Write the name without the service, as `SayHello`, or `*`.',
        );
      }
      return read.value;
    default:
      return read.value;
  }
}

function knownMethod(read: TextRead, known: readonly string[], issues: Issues): string {
  const method = read.value.toUpperCase();
  if (method === '*' || known.includes(method)) return method;
  const hint = (): string => {
    const near = nearest(method, known);
    if (near !== null) return `Did you mean \`${near}\`?`;
    return /[\s,|]/.test(method) ? 'Write one rule for each method.' : 'Write `*` for every method.';
  };
  issues.report('unknown_method', read, `${quoted(read.value)} is no method that is known here`, hint);
  return method;
}

function operationType(read: TextRead | undefined, issues: Issues): string | null {
  if (read === undefined) return null;
  const known = ['query', 'mutation', 'subscription'];
  if (read.value === '*') {
    const message = '`*` is refused by newer versions of OpenShell';
    issues.report(
      'any_operation',
      read,
      message,
      'Write `access: full` on the endpoint, or one rule for each type.',
    );
  } else if (!known.includes(read.value)) {
    const message = `${quoted(read.value)} is no operation type; expected ${alternatives(known)}`;
    issues.report('unknown_value', read, message, () => {
      const near = nearest(read.value, known);
      return near === null ? null : `Did you mean \`${near}\`?`;
    });
  }
  return read.value;
}

function checkService(read: TextRead, issues: Issues): string {
  if (!/^[A-Za-z0-9_.*?[\]{}!,-]+$/.test(read.value)) {
    const message = `${quoted(read.value)} is no name of a gRPC service`;
    issues.report(
      'invalid_name',
      read,
      message,
      'Write `package.Service`, without slashes; the method goes under `method`.',
    );
    return read.value;
  }
  return globText(read, issues);
}

/** One rule is about the transport or about GraphQL; and GraphQL messages are text messages already. */
function checkWebsocketMix(rules: readonly RuleRead[], issues: Issues): void {
  const hasGraphql = rules.some(({ value }) => GRAPHQL_FIELDS.some((key) => value.keys.has(key)));
  for (const { value, span, path } of rules) {
    const graphql = GRAPHQL_FIELDS.some((key) => value.keys.has(key));
    const transport = TRANSPORT_FIELDS.some((key) => value.keys.has(key));
    const place = { span: firstKey(value.keys) ?? span, path };
    if (graphql && transport) {
      const message = 'the rule mixes transport fields and GraphQL fields';
      issues.report(
        'mixed_rule',
        place,
        message,
        'Write one rule for the upgrade (`method: GET`) and one for the operations.',
      );
    } else if (hasGraphql && value.fields.method?.value.toUpperCase() === 'WEBSOCKET_TEXT') {
      const message = '`WEBSOCKET_TEXT` covers every message, so it cannot stand beside GraphQL rules';
      issues.report('mixed_rule', place, message, 'Remove this rule or the GraphQL ones.');
    }
  }
}
