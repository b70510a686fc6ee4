/** Requests whose bodies are judged, through the proxy, from clients of Node and curl to servers on loopback. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import fc from 'fast-check';
import { buildSchema, graphql } from 'graphql';
import { expect, it } from 'vitest';
import type { McpRules, MessageRules } from '../../../src/plan/messages.ts';
import { GRAPHQL, JSON_RPC, MCP } from '../../inspect/bodies.ts';
import { Client } from '../harness.ts';
import { send, site } from './asking.ts';

const call = (method: string, params: object = {}, id: unknown = 1) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const allowing = (...methods: string[]): MessageRules => ({
  ...JSON_RPC,
  allow: methods.map((method, index) => ({ index, line: 300 + index, method, tools: null })),
});
const TOOLS: McpRules = {
  ...MCP,
  allow: [{ index: 0, line: 300, method: 'tools/call', tools: ['search'] }],
};
const VERSION = { 'mcp-protocol-version': '2025-11-25' };

it('sends the bytes that were judged, and says in events what was asked for', async () => {
  const { port, seen, events } = await site(allowing('eth_call'), () => '{"ok":true}');
  const body = ` {"jsonrpc" : "2.0","id":1,"method":"eth_\\u0063all"}\n`;
  expect((await send(port, body, { 'transfer-encoding': 'chunked' })).json).toEqual({ ok: true });
  expect(seen).toHaveLength(1);
  expect(seen[0]!.body.toString()).toBe(body);
  expect(seen[0]!.headers).toMatchObject({ 'content-length': String(body.length) });
  expect(seen[0]!.headers['transfer-encoding']).toBeUndefined();
  const { action, reason, rule, subject } = events.at(-1)!;
  expect({ action, reason, line: rule?.line }).toEqual({ action: 'allow', reason: 'allowed', line: 300 });
  expect(subject).toMatchObject({ kind: 'request', path: '/api', asked: ['eth_call'] });
});

it('refuses a call that no rule allows, as JSON-RPC, with one event', async () => {
  const { port, seen, events } = await site(allowing('eth_call'));
  const { status, json } = await send(port, call('eth_sendTransaction', { secret: 'hush' }, 'x-1'));
  expect(status).toBe(403);
  expect(json).toMatchObject({
    jsonrpc: '2.0',
    id: 'x-1',
    error: {
      code: -32010,
      data: { error: 'policy_denied', code: 'OSH-EGR-022', policy: 'site', path: '/api' },
    },
  });
  expect(json.error.message).toContain('the method `eth_sendTransaction`');
  expect(json.error.data.next_steps[0]).toContain('- allow: { method: "eth_sendTransaction" }');
  expect(seen).toEqual([]);
  expect(events.filter(({ type }) => type === 'denial')).toHaveLength(1);
  expect(events.at(-1)!.subject).toMatchObject({ asked: ['eth_sendTransaction'] });
  expect(JSON.stringify([json, events])).not.toContain('hush');
});

it('answers each of a batch that is refused', async () => {
  const { port, seen } = await site(allowing('a'));
  const { json } = await send(port, `[${call('a', {}, 1)},${call('b', {}, 2)}]`);
  expect(json).toMatchObject([{ id: 1 }, { id: 2 }]);
  expect(seen).toEqual([]);
});

const LONG = call('a', { x: 'x'.repeat(70_000) });
it.each([
  ['duplicate members', '{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}', {}, 'OSH-EGR-042', 400],
  ['another case', '{"jsonrpc":"2.0","id":1,"method":"a","METHOD":"b"}', {}, 'OSH-EGR-042', 400],
  ['a coding', call('a'), { 'content-encoding': 'gzip' }, 'OSH-EGR-042', 400],
  ['another charset', call('a'), { 'content-type': 'application/json; charset=utf-16' }, 'OSH-EGR-042', 400],
  ['a body too long', LONG, {}, 'OSH-EGR-040', 413],
  ['one of unknown length', LONG, { 'transfer-encoding': 'chunked' }, 'OSH-EGR-040', 413],
])('refuses %s in an audit too', async (_, body, headers, code, status) => {
  const { port, seen } = await site(allowing('a'), undefined, { enforcement: 'audit' });
  const answer = await send(port, body, headers as Record<string, string>);
  expect([answer.status, answer.json.error.data.code]).toEqual([status, code]);
  expect(seen).toEqual([]);
});

it('sends what an audit only tells of', async () => {
  const { port, seen, events } = await site(allowing('a'), undefined, { enforcement: 'audit' });
  expect((await send(port, call('b'))).status).toBe(200);
  expect(seen).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ action: 'audit', reason: 'request_not_allowed' });
});

it('judges the headers that the server gets: what only this hop sees says nothing', async () => {
  const { port, seen } = await site(TOOLS);
  const search = call('tools/call', { name: 'search' });
  const hop = { ...VERSION, connection: 'close, mcp-protocol-version' };
  const dropped = await send(port, search, hop);
  expect([dropped.status, dropped.json.error.data.code]).toEqual([403, 'OSH-EGR-046']);
  expect((await send(port, search, VERSION)).status).toBe(200);
  expect(seen).toHaveLength(1);
});

it('refuses a tool that no rule allows, by its name', async () => {
  const { port, seen } = await site(TOOLS);
  const { status, json } = await send(port, call('tools/call', { name: 'drop', arguments: {} }, 9), VERSION);
  expect(status).toBe(403);
  expect(json.id).toBe(9);
  expect(json.error.data.reason).toContain('a call of the tool `drop`');
  expect(json.error.data.next_steps[0]).toContain('- allow: { method: "tools/call", tool: "drop" }');
  const nameless = JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params: { name: 'search' } });
  const lenient = await send(port, nameless, VERSION);
  expect([lenient.status, lenient.json.id, lenient.json.error.code]).toEqual([400, null, -32600]);
  expect(seen).toEqual([]);
});

it('lets GraphQL of a server run that is allowed, and nothing else', async () => {
  const schema = buildSchema('type Query { viewer: String secret: String } type Mutation { drop: String }');
  const rootValue = { viewer: 'me', secret: 'hush', drop: 'gone' };
  const rules: MessageRules = {
    ...GRAPHQL,
    allow: [{ index: 0, line: 300, type: 'query', name: null, fields: ['viewer'] }],
  };
  const { port, seen } = await site(rules, async ({ url, method, body }) => {
    const parameters = method === 'GET' ? null : JSON.parse(body.toString());
    const source = parameters?.query ?? new URL(url, 'http://a').searchParams.get('query')!;
    return JSON.stringify(await graphql({ schema, rootValue, source }));
  });
  const aliased = await send(port, JSON.stringify({ query: '{ me: viewer }' }));
  expect(aliased.json).toEqual({ data: { me: 'me' } });
  const got = await send(port, '', {}, 'GET', '/graphql?query={viewer}');
  expect(got.json).toEqual({ data: { viewer: 'me' } });
  for (const query of [
    '{ viewer: secret }',
    'mutation { drop }',
    '{ ...F } fragment F on Query { viewer secret }',
  ]) {
    const { status, json } = await send(port, JSON.stringify({ query }));
    expect([query, status, json.code]).toEqual([query, 403, 'OSH-EGR-022']);
  }
  const twice = await send(port, '', {}, 'GET', '/graphql?query={viewer}&query={secret}');
  expect([twice.status, twice.json.error]).toEqual([400, 'invalid_graphql_request']);
  const chunked = { 'transfer-encoding': 'chunked' };
  const both = await send(port, '{"query":"{secret}"}', chunked, 'GET', '/graphql?query={viewer}');
  expect([both.status, both.json.code]).toEqual([413, 'OSH-EGR-040']);
  expect(seen).toHaveLength(2);
});

it('tells a client that waits to send its body, and only if it may be so long', async () => {
  const { port, seen } = await site(allowing('a'));
  const body = call('a');
  const head = (length: number) =>
    `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;
  const client = new Client(port).send(head(body.length));
  expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  expect(await client.send(body).until('{}')).toContain('HTTP/1.1 200 OK');
  const long = new Client(port).send(head(1_000_000));
  expect(await long.until('}\n')).toMatch(/^HTTP\/1\.1 413 /);
  expect(seen).toHaveLength(1);
});

it('forgets a client that leaves before all has come', async () => {
  const { port, seen } = await site(allowing('a'));
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  expect((await send(port, call('a'))).status).toBe(200);
  expect(seen).toHaveLength(1);
});

it('serves curl, again and again on one connection', async () => {
  const { port, seen } = await site(allowing('a'), ({ body }) => `{"got":${body.length}}\n`);
  const one = (body: string) => [
    ...['--silent', '--proxy', `http://127.0.0.1:${port}`, '--header', 'Content-Type: application/json'],
    ...['--write-out', '%{http_code} ', '--output', '-', '--data', body, 'http://a.test/rpc'],
  ];
  const child = spawn('curl', [...one(call('a')), '--next', ...one(call('a')), '--next', ...one(call('b'))]);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  const got = `{"got":${call('a').length}}\n200 `;
  expect(out.startsWith(got + got)).toBe(true);
  expect(out).toMatch(/"id":1,"error".*\n403 $/);
  expect(seen).toHaveLength(2);
});

it('never sends a byte that was not judged, whatever comes', async () => {
  const { port, seen } = await site(allowing('a'));
  const piece = fc.constantFrom(
    ...['{', '}', '"jsonrpc":"2.0"', '"method":"a"', '"method":"b"', '"id":1', ',', '[', ']', ' '],
    ...['"Method":"b"', '\u0000', '"meth\\u006fd":"b"', '"params":{}'],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 9 }), async (pieces) => {
      const before = seen.length;
      const body = pieces.join('');
      const { status } = await send(port, body);
      if (status !== 200) return void expect(seen.length).toBe(before);
      expect(seen.at(-1)!.body.toString()).toBe(body);
      const messages = [JSON.parse(body)].flat() as { method: string }[];
      expect(messages.every(({ method }) => method === 'a')).toBe(true);
    }),
    { numRuns: 200, examples: [[['{', '"jsonrpc":"2.0"', ',', '"id":1', ',', '"method":"a"', '}']]] },
  );
});
