import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { McpRules } from '../../src/plan/messages.ts';
import { ask, type Given, JSON_TYPE, MCP, short } from './bodies.ts';

const ALL: McpRules = { ...MCP, versions: ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] };
const version = (name: string): Given => ({ ...JSON_TYPE, 'mcp-protocol-version': name });
const request = (method: string, params: unknown = {}, more: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params,
  ...more,
});
const note = (method: string, params: unknown = {}) => ({ jsonrpc: '2.0', method, params });
const tool = (name: unknown, more: object = {}) => request('tools/call', { name, ...more });
const INITIALIZE = request('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'c', version: '1' },
});
const RESPONSE = { jsonrpc: '2.0', id: 's1', result: {} };

async function post(body: unknown, given: Given = version('2025-11-25'), rules = ALL) {
  return short(await ask(rules, 'POST /mcp', body, given));
}

describe('a message of 2025-11-25', () => {
  const UNLIKE =
    '! mcp_invalid: the message is not as 2025-11-25 of MCP has it: its method, its id or its parameters';
  it.each([
    ['a request', request('tools/list'), ['tools/list core']],
    ['one without params', { jsonrpc: '2.0', id: 1, method: 'ping' }, ['ping core']],
    ['a tool', tool('search_web', { arguments: { q: 'x' } }), ['tools/call search_web core']],
    ['a tool with a dot', tool('admin.delete'), ['tools/call admin.delete core']],
    ['a notification', note('notifications/initialized'), ['notifications/initialized core']],
    ['an extension', request('vendor/thing'), ['vendor/thing']],
    ['a task', request('tasks/get', { taskId: '1' }), ['tasks/get core']],
    ['a response', RESPONSE, 'control'],
    ['an error', { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } }, 'control'],
    ['a tool without id, which a lenient server runs', note('tools/call', { name: 'x' }), UNLIKE],
    ['a notification with an id', request('notifications/initialized'), UNLIKE],
    ['a tool without a name', request('tools/call', {}), UNLIKE],
    ['a tool whose name is no text', tool(['x']), UNLIKE],
    ['arguments that are no object', tool('x', { arguments: [] }), UNLIKE],
    ['a method of a later revision', request('server/discover'), UNLIKE],
    ['a prompt without a name', request('prompts/get', {}), UNLIKE],
    ['a resource without a uri', request('resources/read', {}), UNLIKE],
    ['a null id', request('ping', {}, { id: null }), '! mcp_invalid: an `id` is null'],
    ['params in an array', request('tools/call', ['x']), '! mcp_invalid: `params` are no object'],
    [
      'a name twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
      '! mcp_invalid: the JSON names a member twice in one object',
    ],
    [
      'a name twice, for decoders without case',
      tool('a', { Name: 'b' }),
      '! mcp_invalid: a parameter is named almost like `name` or `uri`',
    ],
    [
      'arguments with a member twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1,"x":2}}}',
      '! mcp_invalid: the JSON names a member twice in one object',
    ],
    ['a batch', [request('ping')], '! mcp_invalid: 2025-11-25 of MCP has no batches'],
  ])('%s', async (_, body, expected) => {
    expect(await post(body)).toEqual(expected);
  });

  it.each(['a b', 'x'.repeat(129), 'é', '', 'a/b', 'a\u0000'])(
    'with the tool %j is refused',
    async (name) => {
      expect(await post(tool(name))).toBe('! mcp_invalid: the name of the tool is no strict one');
    },
  );

  it('may have any tool where names are not strict, but none that hides', async () => {
    const rules = { ...ALL, strictToolNames: false };
    expect(await post(tool('a b/é'), undefined, rules)).toEqual(['tools/call a b/é core']);
    for (const name of ['', 'a\u0000', 'x'.repeat(1025)])
      expect(await post(tool(name), undefined, rules)).toMatch(
        /^! mcp_invalid: the name of the tool is empty/,
      );
  });
});

describe('the revision', () => {
  const DEFAULT = MCP;
  it.each([
    ['of the header', version('2025-11-25'), DEFAULT, ['ping core']],
    ['without header is the first', JSON_TYPE, ALL, ['ping core']],
    [
      'without header is not allowed by default',
      JSON_TYPE,
      DEFAULT,
      "! mcp_version_not_allowed: revision 2025-03-26, which a request without MCP-Protocol-Version speaks, of MCP is not among the endpoint's versions",
    ],
    [
      'that the endpoint does not list',
      version('2025-06-18'),
      DEFAULT,
      "! mcp_version_not_allowed: revision 2025-06-18 of MCP is not among the endpoint's versions",
    ],
  ])('%s', async (_, given, rules, expected) => {
    expect(await post(request('ping'), given, rules)).toEqual(expected);
  });

  it.each([
    ['2024-11-05'],
    ['latest'],
    [''],
    ['2025-11-25 '],
    ['2025-11-25, 2025-06-18'],
    [['2025-11-25', '2025-11-25']],
  ])('%j is not known', async (value) => {
    const given = { ...JSON_TYPE, 'mcp-protocol-version': value };
    expect(await post(request('ping'), given)).toMatch(/^! mcp_version_unsupported/);
  });

  it('is found out by `initialize`, alone', async () => {
    expect(await post(INITIALIZE, JSON_TYPE, DEFAULT)).toEqual(['initialize core']);
    expect(await post(request('initialize', {}), JSON_TYPE, DEFAULT)).toMatch(/^! mcp_invalid/);
    expect(await post([INITIALIZE], JSON_TYPE, ALL)).toBe(
      '! mcp_invalid: `initialize` cannot be part of a batch',
    );
    const stateless = { ...MCP, versions: ['2026-07-28'] };
    expect(await post(INITIALIZE, JSON_TYPE, stateless)).toBe(
      '! mcp_invalid: 2026-07-28 of MCP has no `initialize`',
    );
    expect(await post(INITIALIZE, version('2026-07-28'))).toBe(
      '! mcp_invalid: 2026-07-28 of MCP has no `initialize`',
    );
  });

  it('says which methods there are', async () => {
    for (const [method, params, from, until] of [
      ['tasks/list', {}, '2025-11-25', '2026-07-28'],
      ['resources/subscribe', { uri: 'a:b' }, '2025-03-26', '2026-07-28'],
      ['logging/setLevel', { level: 'debug' }, '2025-03-26', '2026-07-28'],
    ] as const) {
      for (const name of ALL.versions.slice(0, 3)) {
        const there = name >= from && name < until;
        expect([method, name, Array.isArray(await post(request(method, params), version(name)))]).toEqual([
          method,
          name,
          there,
        ]);
      }
    }
  });

  it('says whether there are batches', async () => {
    const batch = [request('ping'), note('notifications/cancelled', { requestId: 1 }), RESPONSE];
    expect(await post(batch, version('2025-03-26'))).toEqual(['ping core', 'notifications/cancelled core']);
    expect(await post(batch, version('2025-06-18'))).toBe('! mcp_invalid: 2025-06-18 of MCP has no batches');
    expect(await post([RESPONSE], version('2025-03-26'))).toBe('control');
  });
});

describe('a message of 2026-07-28', () => {
  const META = {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  };
  const named = (method: string, ...name: string[]): Given => ({
    ...version('2026-07-28'),
    'mcp-method': method,
    'mcp-name': name,
  });
  const call = (name: string) => request('tools/call', { name, ...META });
  it.each([
    ['a tool', call('search'), named('tools/call', 'search'), ['tools/call search core']],
    [
      'a tool with an encoded name',
      call('search'),
      named('tools/call', '=?base64?c2VhcmNo?='),
      ['tools/call search core'],
    ],
    ['discovery', request('server/discover', META), named('server/discover'), ['server/discover core']],
    [
      'a resource',
      request('resources/read', { uri: 'a:b', ...META }),
      named('resources/read', 'a:b'),
      ['resources/read core'],
    ],
    ['an extension', request('vendor/x', META), named('vendor/x'), ['vendor/x']],
    [
      'another name',
      call('search'),
      named('tools/call', 'other'),
      '! mcp_invalid: Mcp-Name does not name what the message is about',
    ],
    [
      'another name, encoded',
      call('search'),
      named('tools/call', '=?base64?b3RoZXI=?='),
      '! mcp_invalid: Mcp-Name does not name what the message is about',
    ],
    [
      'a name that is badly encoded',
      call('search'),
      named('tools/call', '=?base64?c2VhcmNo=?='),
      '! mcp_invalid: Mcp-Name does not name what the message is about',
    ],
    [
      'two names',
      call('search'),
      named('tools/call', 'search', 'other'),
      '! mcp_invalid: Mcp-Method or Mcp-Name stands there twice',
    ],
    ['no name', call('search'), named('tools/call'), '! mcp_invalid: Mcp-Name is missing'],
    [
      'another method',
      call('search'),
      named('tools/list', 'search'),
      '! mcp_invalid: Mcp-Method does not name the method of the message',
    ],
    [
      'no method',
      call('search'),
      version('2026-07-28'),
      '! mcp_invalid: Mcp-Method does not name the method of the message',
    ],
    [
      'a name of nothing',
      request('tools/list', META),
      named('tools/list', 'x'),
      '! mcp_invalid: Mcp-Name does not name what the message is about',
    ],
    [
      'no _meta',
      request('tools/list'),
      named('tools/list'),
      '! mcp_invalid: a request has no `_meta` of its revision',
    ],
    [
      'a batch',
      [call('search')],
      named('tools/call', 'search'),
      '! mcp_invalid: 2026-07-28 of MCP has no batches',
    ],
    [
      'a response',
      RESPONSE,
      version('2026-07-28'),
      '! mcp_invalid: in 2026-07-28 of MCP a client has nothing to respond to',
    ],
  ])('%s', async (_, body, given, expected) => {
    expect(await post(body, given)).toEqual(expected);
  });

  it('names its revision in `_meta` as in the header', async () => {
    const params = { _meta: { ...META._meta, 'io.modelcontextprotocol/protocolVersion': '2025-11-25' } };
    expect(await post(request('tools/list', params), named('tools/list'))).toBe(
      '! mcp_invalid: the revision in `_meta` is not the one of the header',
    );
  });

  it('has no handshake, no notifications and nothing but POST', async () => {
    for (const method of ['notifications/initialized', 'notifications/cancelled'])
      expect(await post(note(method), named(method))).toMatch(/^! mcp_invalid/);
    for (const method of ['GET', 'DELETE'])
      expect(await ask(ALL, `${method} /mcp`, '', version('2026-07-28'))).toMatch(/^mcp_method_not_allowed/);
  });
});

describe('headers that name the message', () => {
  it('must agree with it in every revision where they are there', async () => {
    const given = { ...version('2025-11-25'), 'mcp-method': 'tools/list' };
    expect(await post(tool('x'), given)).toBe(
      '! mcp_invalid: Mcp-Method does not name the method of the message',
    );
    expect(await post(request('tools/list'), given)).toEqual(['tools/list core']);
  });

  it('cannot name a batch', async () => {
    expect(await post([request('ping')], { ...version('2025-03-26'), 'mcp-method': 'ping' })).toBe(
      '! mcp_invalid: Mcp-Method or Mcp-Name stands beside a batch',
    );
  });
});

describe('requests without a message', () => {
  const stream = { ...version('2025-11-25'), accept: 'application/json, text/event-stream' };
  it.each([
    ['GET /mcp', stream, '', 'control'],
    ['GET /mcp', version('2025-11-25'), '', []],
    ['DELETE /mcp', { ...version('2025-11-25'), 'mcp-session-id': '1' }, '', 'control'],
    ['DELETE /mcp', version('2025-11-25'), '', []],
    ['PUT /mcp', stream, '', []],
    ['OPTIONS /mcp', stream, '', []],
    ['GET /mcp', stream, '{}', '! mcp_invalid: only a POST carries messages of MCP'],
    ['PUT /mcp', stream, request('ping'), '! mcp_invalid: only a POST carries messages of MCP'],
  ])('%s with %j', async (target, given, body, expected) => {
    expect(short(await ask(ALL, target, body, given))).toEqual(expected);
  });

  it('speak an allowed revision too', async () => {
    expect(await ask(MCP, 'GET /mcp', '', { accept: 'text/event-stream' })).toMatch(
      /^mcp_version_not_allowed/,
    );
  });
});

it('never throws, whatever comes', async () => {
  const text = fc.constantFrom('2.0', 'tools/call', 'initialize', 'x', 'ping', '2026-07-28');
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.constant(null),
      fc.integer(),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'name', 'result', 'error', '_meta', 'Method'),
        tie('any'),
        { maxKeys: 6 },
      ),
    ),
  })).any;
  const given = fc.constantFrom(
    version('2025-03-26'),
    version('2025-11-25'),
    version('2026-07-28'),
    JSON_TYPE,
  );
  await fc.assert(
    fc.asyncProperty(value, given, async (body, of) => {
      const asked = await ask(ALL, 'POST /mcp', body, of);
      if (typeof asked === 'string') expect(asked).toMatch(/^mcp_/);
    }),
    {
      numRuns: 2000,
      examples: [
        [INITIALIZE, JSON_TYPE],
        [tool('x'), version('2025-11-25')],
      ],
    },
  );
});
