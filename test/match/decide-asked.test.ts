/** Decisions about what requests ask for by the names of their protocol. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/base/glob.ts';
import type { Asked, AskedItem, Call, GrpcMethod, Operation } from '../../src/match/asked.ts';
import { decideRequest, type RequestWork } from '../../src/match/decide-request.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import type { CallRule, GrpcRule, MessageRules, OperationRule } from '../../src/plan/messages.ts';
import type { EgressEndpoint, EgressTable, EndpointInspection } from '../../src/plan/plan.ts';
import { GRAPHQL, GRPC, JSON_RPC, MCP } from '../inspect/bodies.ts';
import { inspected, request } from './requests.ts';
import { binary, host, identity, policy, table } from './tables.ts';

const API = 'api.test:443';
const CURL = identity('/usr/bin/curl');

const operation = (
  type: Operation['type'],
  fields: readonly string[],
  name: string | null = null,
): Operation => ({
  kind: 'operation',
  type,
  name,
  fields,
});
const call = (method: string, tool: string | null = null, core = true): Call => ({
  kind: 'call',
  method,
  tool,
  core,
});
const method = (service: string, name: string): GrpcMethod => ({ kind: 'method', service, method: name });
const items = (...all: readonly AskedItem[]): Asked => ({ kind: 'items', items: all });

const op = (type: OperationRule['type'], fields: readonly string[] = [], name: string | null = null) =>
  ({ type, fields, name }) as const;
const rpc = (name: string | null, tools: readonly string[] | null = null) => ({ method: name, tools });

/** Allow rules begin on line 300, deny rules on line 400. */
function placed<T>(rules: readonly T[], first: number): (T & { index: number; line: number })[] {
  return rules.map((rule, index) => ({ ...rule, index, line: first + index }));
}

type More = Partial<EndpointInspection>;
const speaking = (
  protocol: EndpointInspection['protocol'],
  messages: MessageRules,
  more: More = {},
): EgressEndpoint => inspected(API, [], [], { protocol, messages, ...more });
const graphql = (
  allow: readonly Omit<OperationRule, 'index' | 'line'>[],
  deny: readonly Omit<OperationRule, 'index' | 'line'>[] = [],
  more: More = {},
) => speaking('graphql', { ...GRAPHQL, allow: placed(allow, 300), deny: placed(deny, 400) }, more);
const mcp = (
  allow: readonly Omit<CallRule, 'index' | 'line'>[],
  deny: readonly Omit<CallRule, 'index' | 'line'>[] = [],
  more: More = {},
) => speaking('mcp', { ...MCP, allow: placed(allow, 300), deny: placed(deny, 400) }, more);
const jsonRpc = (allow: readonly Omit<CallRule, 'index' | 'line'>[]) =>
  speaking('json-rpc', { ...JSON_RPC, allow: placed(allow, 300) });
const grpc = (
  allow: readonly Omit<GrpcRule, 'index' | 'line'>[],
  deny: readonly Omit<GrpcRule, 'index' | 'line'>[] = [],
) => speaking('grpc', { ...GRPC, allow: placed(allow, 300), deny: placed(deny, 400) });

const one = (...endpoints: EgressEndpoint[]): EgressTable => table([policy('api', endpoints)]);

function judge(rules: EgressTable, asked: Asked | null, target = 'POST /x', work?: RequestWork) {
  const facts = { ...request(target === 'TEXT' ? 'GET /x' : target), asked };
  const text = target === 'TEXT' ? { ...facts, method: 'WEBSOCKET_TEXT' } : facts;
  return decideRequest(
    buildIndex(rules),
    { host: host('api.test'), port: 443, identity: CURL, facts: text },
    work,
  );
}

function short(rules: EgressTable, asked: Asked | null, target?: string): string {
  const verdict = judge(rules, asked, target);
  switch (verdict.kind) {
    case 'unread':
      return `unread ${verdict.reading.kind}`;
    case 'allow':
      return `allow ${verdict.rule.line}`;
    default:
      return `${verdict.kind} ${verdict.reason} ${verdict.rule?.line}`;
  }
}

const NO = 'deny request_not_allowed 10';
const DENIED = 'deny request_denied_by_rule 400';

describe('operations', () => {
  const query = operation('query', ['viewer']);
  it.each([
    [[op('query')], query, 'allow 300'],
    [[op('mutation'), op('query')], query, 'allow 301'],
    [[op('*')], operation('subscription', ['a']), 'allow 300'],
    [[op('mutation')], query, NO],
    [[op('query', ['viewer'])], query, 'allow 300'],
    [[op('query', ['view*', 'repo'])], operation('query', ['viewer', 'repo', 'views']), 'allow 300'],
    [[op('query', ['viewer'])], operation('query', ['viewer', 'secret']), NO],
    [[op('query', ['viewer']), op('query', ['secret'])], operation('query', ['viewer', 'secret']), NO],
    [[op('query', [], 'Get*')], operation('query', ['a'], 'GetA'), 'allow 300'],
    [[op('query', [], 'Get*')], operation('query', ['a'], 'SetA'), NO],
    [[op('query', [], 'Get*')], query, NO],
    [[op('query', ['a'], 'Get*')], operation('query', ['a'], 'GetA'), 'allow 300'],
    [[op('query', ['a'], 'Get*')], operation('query', ['a'], 'X'), NO],
    [[op('*')], operation(null, []), NO],
  ])('allow %j: %j is %s', (allow, asked, expected) => {
    expect(short(one(graphql(allow)), items(asked))).toBe(expected);
  });

  it.each([
    [op('mutation'), operation('mutation', ['a']), DENIED],
    [op('mutation'), query, 'allow 300'],
    [op('*', ['delete*']), operation('query', ['a', 'deleteAll']), DENIED],
    [op('*', ['delete*']), operation('query', ['a']), 'allow 300'],
    [op('*', [], 'Evil'), operation('query', ['a'], 'Evil'), DENIED],
    [op('*', ['a'], 'Evil'), operation('query', ['a'], 'Good'), 'allow 300'],
  ])('deny %j: %j is %s', (deny, asked, expected) => {
    expect(short(one(graphql([op('*')], [deny])), items(asked))).toBe(expected);
  });

  it('of a batch must all be allowed, and a deny rule about any counts first', () => {
    const rules = one(graphql([op('query')], [op('*', ['drop'])]));
    expect(short(rules, items(query, query))).toBe('allow 300');
    expect(short(rules, items(query, operation('mutation', ['a'])))).toBe(NO);
    expect(short(rules, items(operation('mutation', ['a']), operation('query', ['drop'])))).toBe(DENIED);
  });

  it('that nobody knows are refused in an audit too where a deny rule may be about them', () => {
    const audit = { enforcement: 'audit' } as const;
    const unknown = items(operation(null, []));
    expect(short(one(graphql([op('*')], [], audit)), unknown)).toBe('audit request_not_allowed 10');
    expect(short(one(graphql([op('*')], [op('mutation')], audit)), unknown)).toBe(NO);
    expect(short(one(graphql([op('*')], [op('mutation')], audit)), items(operation('mutation', ['a'])))).toBe(
      'audit request_denied_by_rule 400',
    );
  });
});

describe('calls', () => {
  it.each([
    [[rpc('tools/list')], call('tools/list'), 'allow 300'],
    [[rpc('tools/list')], call('tools/call', 'a'), NO],
    [[rpc('tools/call', ['a', 'b_*'])], call('tools/call', 'b_c'), 'allow 300'],
    [[rpc('tools/call', ['a', 'b_*'])], call('tools/call', 'c'), NO],
    [[rpc('tools/call', ['b*'])], call('tools/call', 'b.c'), NO],
    [[rpc('tools/call', ['b.*'])], call('tools/call', 'b.c'), 'allow 300'],
    [[rpc('tools/call', ['**'])], call('tools/call', 'b.c'), 'allow 300'],
    [[rpc('tools/call')], call('tools/call', 'x'), 'allow 300'],
    [[rpc('tools/*')], call('tools/call', 'x'), 'allow 300'],
    [[rpc('tools/*')], call('tools/list'), 'allow 300'],
    [[rpc('tools/*')], call('tools/other', null, false), NO],
    [[rpc('tools/other')], call('tools/other', null, false), 'allow 300'],
    [[rpc(null)], call('ping'), 'allow 300'],
    [[rpc(null)], call('tools/call', 'x'), 'allow 300'],
    [[rpc(null)], call('vendor/x', null, false), NO],
    [[rpc('tools/call', ['a']), rpc(null, [])], call('tools/call', 'a'), 'allow 300'],
    [[rpc('tools/call', ['a']), rpc(null, [])], call('tools/call', 'b'), NO],
    [[rpc('tools/call', ['a']), rpc(null, [])], call('ping'), 'allow 301'],
  ])('allow %j: %j is %s', (allow, asked, expected) => {
    expect(short(one(mcp(allow)), items(asked))).toBe(expected);
  });

  it.each([
    [rpc('tools/call', ['admin*']), call('tools/call', 'admin'), DENIED],
    [rpc('tools/call', ['admin*']), call('tools/call', 'admin.delete'), DENIED],
    [rpc('tools/call', ['*.delete']), call('tools/call', 'a.delete'), DENIED],
    [rpc('tools/call', ['admin*']), call('tools/call', 'read'), 'allow 300'],
    [rpc('tools/*'), call('tools/other', null, false), DENIED],
    [rpc('ping'), call('ping'), DENIED],
    [rpc('ping'), call('tools/list'), 'allow 300'],
  ])('deny %j: %j is %s', (deny, asked, expected) => {
    const allow = [rpc(null), rpc('tools/other')];
    expect(short(one(mcp(allow, [deny])), items(asked))).toBe(expected);
  });

  it('of JSON-RPC are allowed by name, or all', () => {
    const plain = (name: string) => items(call(name, null, false));
    expect(short(one(jsonRpc([rpc('a')])), plain('a'))).toBe('allow 300');
    expect(short(one(jsonRpc([rpc('a')])), plain('b'))).toBe(NO);
    expect(short(one(jsonRpc([rpc('*')])), plain('b'))).toBe('allow 300');
    expect(short(one(jsonRpc([rpc('*')])), items(), 'GET /x')).toBe(NO);
  });

  it('need no rule where nothing is called', () => {
    expect(short(one(mcp([])), { kind: 'control' })).toBe('allow 10');
  });
});

describe('methods', () => {
  const rule = (service: string, name: string) => ({ service, method: name });
  it.each([
    [rule('a.B', 'C'), method('a.B', 'C'), 'allow 300'],
    [rule('a.B', '*'), method('a.B', 'D'), 'allow 300'],
    [rule('a.*', 'C'), method('a.B', 'C'), 'allow 300'],
    [rule('a.*', 'C'), method('a.b.B', 'C'), NO],
    [rule('**', '*'), method('x', 'Y'), 'allow 300'],
    [rule('a.B', 'C'), method('a.B', 'c'), NO],
    [rule('a.B', 'C'), method('a.X', 'C'), NO],
  ])('allow %j: %j is %s', (allow, asked, expected) => {
    expect(short(one(grpc([allow])), items(asked))).toBe(expected);
  });

  it('are denied by the same', () => {
    const rules = one(grpc([rule('**', '*')], [rule('admin.**', '*')]));
    expect(short(rules, items(method('admin.Users', 'Drop')))).toBe(DENIED);
    expect(short(rules, items(method('users.Users', 'List')))).toBe('allow 300');
  });
});

describe('before a body is read', () => {
  it.each([
    ['graphql', one(graphql([op('*')])), 'POST /x', 'unread graphql'],
    ['json-rpc', one(jsonRpc([rpc('*')])), 'GET /x', 'unread json-rpc'],
    ['mcp', one(mcp([])), 'DELETE /x', 'unread mcp'],
    ['grpc', one(grpc([])), 'POST /a.B/C', 'unread grpc'],
    ['rest', one(inspected(API, ['* **'])), 'POST /x', 'allow 100'],
  ] as const)('%s', (_, rules, target, expected) => {
    expect(short(rules, null, target)).toBe(expected);
  });

  it('a deny rule about the head counts, unless an audit sends the request all the same', () => {
    const deny = inspected(API, [], ['* /x']);
    expect(short(one(deny, graphql([op('*')], [], { path: '/x' })), null)).toBe(
      'deny request_denied_by_rule 200',
    );
    const audit = graphql([op('*')], [], { path: '/x', enforcement: 'audit' });
    expect(short(one(deny, audit), null)).toBe('unread graphql');
    expect(short(one(deny, audit), items(operation('query', ['a'])))).toBe(
      'audit request_denied_by_rule 200',
    );
  });

  it('whom no endpoint is for is told so', () => {
    const rules = table([policy('api', [graphql([op('*')])], [binary('/usr/bin/node')])]);
    expect(short(rules, null)).toBe('deny request_not_allowed undefined');
  });
});

describe('WebSocket', () => {
  const text = (messages: MessageRules | null, allow: readonly string[], deny: readonly string[] = []) =>
    inspected(API, allow, deny, { protocol: 'websocket', messages });
  const rules = (allow: readonly OperationRule[], deny: readonly OperationRule[] = []): MessageRules => ({
    ...GRAPHQL,
    allow,
    deny,
  });
  const queries = placed([op('query')], 300);
  const mutations = placed([op('mutation')], 400);
  const query = items(operation('query', ['a']));
  const mutation = items(operation('mutation', ['a']));
  it.each([
    ['upgrades by the head', text(null, ['GET **']), null, 'GET /x', 'allow 100'],
    ['messages by the head', text(null, ['GET **', 'WEBSOCKET_TEXT **']), null, 'TEXT', 'allow 101'],
    ['no message', text(null, ['GET **']), null, 'TEXT', NO],
    ['upgrades beside operations', text(rules(queries), ['GET **']), null, 'GET /x', 'allow 100'],
    ['messages beside operations', text(rules(queries), ['GET **']), null, 'TEXT', 'unread graphql'],
    ['an operation', text(rules(queries), ['GET **']), query, 'TEXT', 'allow 300'],
    ['another operation', text(rules(queries), ['GET **']), mutation, 'TEXT', NO],
    [
      'what is no operation',
      text(rules(queries), ['GET **']),
      { kind: 'control' } as const,
      'TEXT',
      'allow 10',
    ],
    ['all but some', text(rules([], mutations), ['* **']), query, 'TEXT', 'allow 100'],
    ['none of these', text(rules([], mutations), ['* **']), mutation, 'TEXT', DENIED],
    [
      'none at all',
      text(rules(queries), ['GET **'], ['WEBSOCKET_TEXT **']),
      query,
      'TEXT',
      'deny request_denied_by_rule 200',
    ],
    ['what nobody knows', text(rules([], mutations), ['* **']), items(operation(null, [])), 'TEXT', NO],
  ])('%s', (_, endpoint, asked, target, expected) => {
    expect(short(one(endpoint), asked, target)).toBe(expected);
  });

  it('reads messages for the deny rules of another endpoint', () => {
    const wide = inspected(API, [], [], {
      protocol: 'websocket',
      path: '/**',
      messages: rules([], mutations),
    });
    const narrow = inspected(API, ['* **'], [], { protocol: 'websocket', path: '/x' });
    expect(short(one(wide, narrow), null, 'TEXT')).toBe('unread graphql');
    expect(short(one(wide, narrow), mutation, 'TEXT')).toBe(DENIED);
  });
});

it('rules of another protocol are about something that is not read here', () => {
  const rules = one(graphql([op('*')], [op('*')], { path: '/**' }), mcp([rpc('ping')], [], { path: '/x' }));
  expect(short(rules, items(call('ping')))).toBe('allow 300');
});

it('says what a rule would have to be', () => {
  const wanted = (rules: EgressTable, asked: AskedItem) => {
    const verdict = judge(rules, items(asked));
    return verdict.kind === 'deny' ? [verdict.wanted, verdict.message] : null;
  };
  expect(wanted(one(mcp([])), call('tools/call', 'drop'))).toEqual([
    { method: 'tools/call', tool: 'drop' },
    'no rule of policy `api` allows a call of the tool `drop`',
  ]);
  expect(wanted(one(graphql([])), operation('mutation', ['drop', 'add'], 'M'))).toEqual([
    { operation_type: 'mutation', fields: ['drop', 'add'] },
    'no rule of policy `api` allows the mutation `M` of `drop`, `add`',
  ]);
  expect(wanted(one(grpc([])), method('a.B', 'C'))).toEqual([
    { service: 'a.B', method: 'C' },
    'no rule of policy `api` allows the method `a.B/C`',
  ]);
  expect(wanted(one(mcp([])), call('x\u001b[0m'))![0]).toBeNull();
});

describe('the index', () => {
  const NAMES = ['a', 'ab', 'b', 'b.c', 'admin.x', 'x'];
  const PATTERNS = [...NAMES, '*', '**', 'a*', '*b', 'b.*', '{a,b}', '[ab]'];
  const matches = (patterns: readonly string[], text: string, kind: 'allow' | 'deny') =>
    patterns.some((pattern) =>
      (kind === 'allow' ? (['.'] as const) : (['.', '/'] as const)).some((separator) => {
        const glob = compileGlob(pattern, separator);
        return glob.ok && glob.value.test(text);
      }),
    );
  const callRule = fc.record({
    method: fc.constantFrom('tools/call', 'ping', 'tools/*', '*', null),
    tools: fc.option(fc.array(fc.constantFrom(...PATTERNS), { maxLength: 3 })),
  });
  const callOf = fc.oneof(
    fc.record({
      kind: fc.constant('call' as const),
      method: fc.constant('tools/call'),
      tool: fc.constantFrom(...NAMES),
      core: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('call' as const),
      method: fc.constantFrom('ping', 'tools/list', 'other'),
      tool: fc.constant(null),
      core: fc.boolean(),
    }),
  );

  it('finds the calls that a look at every rule finds', () => {
    const fits = (rule: Pick<CallRule, 'method' | 'tools'>, asked: Call, kind: 'allow' | 'deny'): boolean => {
      const named =
        rule.method === null
          ? asked.core
          : rule.method === 'tools/*'
            ? asked.method.startsWith('tools/') && (asked.core || kind === 'deny')
            : rule.method === '*' || rule.method === asked.method;
      if (!named || rule.tools === null) return named;
      return asked.tool === null ? rule.tools.length === 0 : matches(rule.tools, asked.tool, kind);
    };
    fc.assert(
      fc.property(
        fc.array(callRule, { maxLength: 8 }),
        fc.array(callRule, { maxLength: 3 }),
        callOf,
        (allow, deny, asked) => {
          const denied = deny.findIndex((rule) => fits(rule, asked, 'deny'));
          const allowed = allow.findIndex((rule) => fits(rule, asked, 'allow'));
          const expected =
            denied >= 0
              ? `deny request_denied_by_rule ${400 + denied}`
              : allowed >= 0
                ? `allow ${300 + allowed}`
                : NO;
          expect(short(one(mcp(allow, deny)), items(asked))).toBe(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('finds the operations that a look at every rule finds', () => {
    const type = fc.constantFrom('query', 'mutation');
    const operationRule = fc.record({
      type: fc.constantFrom('query', 'mutation', '*') as fc.Arbitrary<OperationRule['type']>,
      name: fc.option(fc.constantFrom(...PATTERNS)),
      fields: fc.array(fc.constantFrom(...PATTERNS), { maxLength: 3 }),
    });
    const operationOf = fc.record({
      kind: fc.constant('operation' as const),
      type: type as fc.Arbitrary<'query' | 'mutation'>,
      name: fc.option(fc.constantFrom('a', 'ab', 'x')),
      fields: fc.uniqueArray(fc.constantFrom('a', 'ab', 'b', 'x'), { minLength: 1, maxLength: 4 }),
    });
    const fits = (
      rule: Omit<OperationRule, 'index' | 'line'>,
      asked: Operation,
      kind: 'allow' | 'deny',
    ): boolean => {
      if (rule.type !== '*' && rule.type !== asked.type) return false;
      if (rule.name !== null && (asked.name === null || !matches([rule.name], asked.name, kind)))
        return false;
      if (rule.fields.length === 0) return true;
      const field = (name: string): boolean => matches(rule.fields, name, kind);
      return kind === 'allow' ? asked.fields.every(field) : asked.fields.some(field);
    };
    fc.assert(
      fc.property(
        fc.array(operationRule, { maxLength: 8 }),
        fc.array(operationRule, { maxLength: 3 }),
        operationOf,
        (allow, deny, asked) => {
          const denied = deny.findIndex((rule) => fits(rule, asked, 'deny'));
          const allowed = allow.findIndex((rule) => fits(rule, asked, 'allow'));
          const expected =
            denied >= 0
              ? `deny request_denied_by_rule ${400 + denied}`
              : allowed >= 0
                ? `allow ${300 + allowed}`
                : NO;
          expect(short(one(graphql(allow, deny)), items(asked))).toBe(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    [
      'tools',
      (i: number) => mcp(Array.from({ length: i }, (_, n) => rpc('tools/call', [`tool_${n}`, `x${n}_*`]))),
      items(call('tools/call', 'tool_3')),
    ],
    [
      'methods',
      (i: number) => jsonRpc(Array.from({ length: i }, (_, n) => rpc(`method_${n}`))),
      items(call('method_3', null, false)),
    ],
    [
      'fields',
      (i: number) => graphql(Array.from({ length: i }, (_, n) => op('query', [`f${n}`, `g${n}*`]))),
      items(operation('query', ['f3'])),
    ],
    [
      'names',
      (i: number) => graphql(Array.from({ length: i }, (_, n) => op('query', [], `N${n}`))),
      items(operation('query', ['f3'], 'N3')),
    ],
    [
      'services',
      (i: number) => grpc(Array.from({ length: i }, (_, n) => ({ service: `s${n}.*`, method: 'M' }))),
      items(method('s3.X', 'M')),
    ],
  ])('looks at no more of 1,000 %s than of 10', (_, make, asked) => {
    const steps = (count: number): number => {
      const work = { steps: 0 };
      expect(judge(one(make(count)), asked, 'POST /x', work).kind).toBe('allow');
      return work.steps;
    };
    expect(steps(1000)).toBeLessThanOrEqual(steps(10) + 2);
  });
});
