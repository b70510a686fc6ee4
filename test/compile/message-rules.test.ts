import { describe, expect, it } from 'vitest';
import { inspectionOf } from '../../src/compile/inspection.ts';
import { parsePolicy } from '../../src/policy/check.ts';

/** The one endpoint's inspection; `text` are its keys, from line 5 on. */
function inspection(text: string) {
  const lines = text.split('\n').map((line) => `        ${line}`);
  const { policy, issues } = parsePolicy(
    [
      'version: 1',
      'network_policies:',
      '  api:',
      '    endpoints:',
      '      - host: api.test',
      '        port: 443',
      ...lines,
      '    binaries: [/usr/bin/node]',
      '',
    ].join('\n'),
  );
  expect(issues.filter(({ severity }) => severity === 'error')).toEqual([]);
  return inspectionOf(policy!.network[0]!.endpoints[0]!)!;
}

describe('messageRulesOf', () => {
  it.each([
    ['read-only', ['query']],
    ['read-write', ['query', 'mutation']],
    ['full', ['*']],
  ])('writes out `access: %s` of GraphQL', (access, types) => {
    const { messages, allow } = inspection(`protocol: graphql\naccess: ${access}`);
    expect(allow).toEqual([]);
    expect(messages).toEqual({
      kind: 'graphql',
      maxBodyBytes: 65_536,
      registered: [],
      allow: types.map((type) => ({ index: null, line: 8, type, name: null, fields: [] })),
      deny: [],
    });
  });

  it('takes operations, limits and registered queries', () => {
    const { messages } = inspection(
      [
        'protocol: graphql',
        'graphql_max_body_bytes: 100',
        'persisted_queries: allow_registered',
        'graphql_persisted_queries:',
        '  abc: { operation_type: query, fields: [viewer] }',
        'rules:',
        '  - allow: { operation_type: query, operation_name: "Get*", fields: [viewer] }',
        'deny_rules:',
        '  - { operation_type: mutation, fields: ["delete*"] }',
      ].join('\n'),
    );
    expect(messages).toMatchObject({
      maxBodyBytes: 100,
      registered: [{ id: 'abc', type: 'query', name: null, fields: ['viewer'] }],
      allow: [{ index: 0, line: 13, type: 'query', name: 'Get*', fields: ['viewer'] }],
      deny: [{ index: 0, line: 15, type: 'mutation', name: null, fields: ['delete*'] }],
    });
  });

  it('takes registered queries only where they are allowed', () => {
    const { messages } = inspection(
      'protocol: graphql\naccess: full\ngraphql_persisted_queries:\n  abc: { operation_type: query, fields: [viewer] }',
    );
    expect(messages).toMatchObject({ registered: [] });
  });

  it('keeps the rules of WebSocket about the head from those about operations', () => {
    const both = inspection(
      'protocol: websocket\nrules:\n  - allow: { method: GET, path: "/**" }\n  - allow: { operation_type: query }',
    );
    expect(both.allow).toMatchObject([{ index: 0, method: 'GET' }]);
    expect(both.messages).toMatchObject({ kind: 'graphql', allow: [{ index: 1, type: 'query' }] });
    expect(inspection('protocol: websocket\naccess: read-write').messages).toBeNull();
    const preset = inspection(
      'protocol: websocket\naccess: full\ndeny_rules:\n  - { operation_type: mutation }',
    );
    expect(preset.messages).toMatchObject({ allow: [], deny: [{ type: 'mutation' }] });
  });

  it('takes methods of JSON-RPC', () => {
    const { messages } = inspection(
      'protocol: json-rpc\nrules:\n  - allow: { method: eth_call }\ndeny_rules:\n  - { method: "*" }',
    );
    expect(messages).toMatchObject({
      kind: 'json-rpc',
      allow: [{ method: 'eth_call', tools: null }],
      deny: [{ method: '*', tools: null }],
    });
  });

  it('lets core methods of MCP include tools, unless rules say which', () => {
    const options = 'protocol: mcp\nmcp: { allow_all_known_mcp_methods: true, versions: ["2025-06-18"] }';
    const core = { index: null, line: 7, method: null };
    expect(inspection(options).messages).toEqual({
      kind: 'mcp',
      maxBodyBytes: 65_536,
      strictToolNames: true,
      versions: ['2025-06-18'],
      allow: [{ ...core, tools: null }],
      deny: [],
    });
    expect(inspection(`${options}\nrules:\n  - allow: { tool: { any: [a, "b*"] } }`).messages).toMatchObject({
      allow: [
        { index: 0, line: 10, method: 'tools/call', tools: ['a', 'b*'] },
        { ...core, tools: [] },
      ],
    });
    expect(inspection(`${options}\ndeny_rules:\n  - { tool: admin }`).messages).toMatchObject({
      allow: [{ ...core, tools: null }],
      deny: [{ method: 'tools/call', tools: ['admin'] }],
    });
  });

  it('takes services of gRPC', () => {
    expect(inspection('protocol: grpc\naccess: full').messages).toMatchObject({
      kind: 'grpc',
      allow: [{ index: null, service: '**', method: '*' }],
    });
    expect(
      inspection(
        'protocol: grpc\nrules:\n  - allow: { service: a.B, method: C }\ndeny_rules:\n  - { service: a.* }',
      ).messages,
    ).toMatchObject({ allow: [{ service: 'a.B', method: 'C' }], deny: [{ service: 'a.*', method: '*' }] });
  });

  it('has nothing to say of REST', () => {
    expect(inspection('protocol: rest\naccess: full').messages).toBeNull();
  });
});
