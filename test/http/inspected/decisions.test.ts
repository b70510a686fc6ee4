import { describe, expect, it } from 'vitest';
import { err, ok } from '../../../src/base/result.ts';
import type { EgressTable } from '../../../src/plan/plan.ts';
import { inspected } from '../../match/requests.ts';
import { binary, endpoint, identity, policy, table } from '../../match/tables.ts';
import { type BenchOptions, Client, refusalIn } from '../harness.ts';
import { inspecting, REST, secureClient, secureOrigin, secureTalk } from './secure.ts';

/** The order of decisions, with a case for each row: what CONNECT finds out, then what each request does. */

const noServer = { port: 1 };
const only = (...endpoints: Parameters<typeof policy>[1]): EgressTable => table([policy('site', endpoints)]);
const GET_ALL = ['GET /**'];

interface ConnectRow extends BenchOptions {
  readonly status: number;
  readonly error: string;
  readonly code: string;
  readonly reason: string;
}

const curl = identity('/usr/bin/curl', ['/bin/sh']);
const CONNECTS: Readonly<Record<string, ConnectRow>> = {
  'the network is off': {
    rules: table([policy('site', [inspected('a.test:443', GET_ALL)])], 'block'),
    ...{ status: 403, error: 'policy_denied', code: 'OSH-EGR-001', reason: 'network_off' },
  },
  'there are no policies': {
    rules: table([]),
    ...{ status: 403, error: 'policy_denied', code: 'OSH-EGR-002', reason: 'no_policies' },
  },
  'the host is not listed': {
    rules: only(inspected('b.test:443', GET_ALL)),
    ...{ status: 403, error: 'policy_denied', code: 'OSH-EGR-003', reason: 'endpoint_not_listed' },
  },
  'the port is not listed': {
    rules: only(inspected('a.test:8443', GET_ALL)),
    ...{ status: 403, error: 'policy_denied', code: 'OSH-EGR-003', reason: 'endpoint_not_listed' },
  },
  'the program is not listed': {
    rules: table([policy('site', [inspected('a.test:443', GET_ALL)], [binary('/usr/bin/git')])]),
    ...{ status: 403, error: 'policy_denied', code: 'OSH-EGR-004', reason: 'binary_not_listed' },
  },
  'the program has changed': {
    identityOf: async () => err({ reason: 'binary_changed', detail: 'changed', process: null }),
    ...{ status: 403, error: 'policy_denied', code: 'OSH-EGR-005', reason: 'binary_changed' },
  },
  'nobody knows the program': {
    identityOf: async () => null,
    ...{ status: 403, error: 'policy_denied', code: 'OSH-EGR-006', reason: 'identity_unavailable' },
  },
  'the address is internal': {
    rules: only(inspected('*.test:443', GET_ALL)),
    resolver: { lookup: async () => ok(['10.0.0.1']) },
    ...{ to: {}, status: 403, error: 'ssrf_denied', code: 'OSH-EGR-007', reason: 'special_address' },
  },
  'one of the addresses is internal': {
    rules: only(inspected('*.test:443', GET_ALL)),
    resolver: { lookup: async () => ok(['8.8.8.8', '169.254.169.254']) },
    ...{ to: {}, status: 403, error: 'ssrf_denied', code: 'OSH-EGR-007', reason: 'special_address' },
  },
  'the address is not among those that are allowed': {
    rules: only({ ...inspected('a.test:443', GET_ALL), allowedIps: ['198.51.100.0/24'] }),
    resolver: { lookup: async () => ok(['8.8.8.8']) },
    ...{ to: {}, status: 403, error: 'ssrf_denied', code: 'OSH-EGR-008', reason: 'address_not_listed' },
  },
  'the name has no address': {
    resolver: { lookup: async () => ok([]) },
    ...{
      to: {},
      status: 502,
      error: 'upstream_unreachable',
      code: 'OSH-EGR-010',
      reason: 'name_not_resolved',
    },
  },
};

describe('CONNECT to an endpoint that looks at requests', () => {
  it.each(Object.entries(CONNECTS))('is refused before any TLS where %s', async (_what, row) => {
    const made = await inspecting(noServer, { identityOf: async () => ok(curl), ...row });
    const answer = await new Client(made.port).send('CONNECT a.test:443 HTTP/1.1\r\n\r\n').end();
    const { status, error, code, reason } = row;
    expect(refusalIn(answer)).toMatchObject({ status, error, code, method: 'CONNECT', path: null });
    expect(made.events).toHaveLength(1);
    expect(made.events[0]).toMatchObject({ reason, subject: { kind: 'connect', host: 'a.test', port: 443 } });
    expect(made.dials).toEqual([]);
  });

  it('makes no connection by itself: only an allowed request does', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    expect(made.dials).toEqual([]);
    await client.send('GET /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n').until('hello');
    expect(made.dials).toEqual(['a.test:443']);
  });
});

interface RequestRow {
  readonly request: string;
  readonly rules?: EgressTable;
  readonly status: number;
  readonly error: string;
  readonly code: string;
  readonly reason: string;
  /** Of the body and of the event. */
  readonly path: string | null;
}

const get = (target: string, host = 'a.test'): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const denied = { status: 403, error: 'policy_denied' } as const;
const badTarget = { status: 400, error: 'invalid_request_target' } as const;
const malformed = { status: 400, error: 'invalid_request', code: 'OSH-EGR-014', reason: 'malformed_request' };
const mismatch = {
  ...{ status: 400, error: 'request_authority_mismatch', code: 'OSH-EGR-015', reason: 'malformed_request' },
};
const PATH = { ...badTarget, code: 'OSH-EGR-024', reason: 'path_invalid' } as const;
const QUERY = { ...badTarget, code: 'OSH-EGR-025', reason: 'query_invalid' } as const;
const NO_RULE = { ...denied, code: 'OSH-EGR-022', reason: 'request_not_allowed' } as const;
const DENY_RULE = { ...denied, code: 'OSH-EGR-023', reason: 'request_denied_by_rule' } as const;
const AUDIT = only(inspected('a.test:443', ['GET /v1/**'], ['* /v1/secret/**'], { enforcement: 'audit' }));
const SELECTED = only(inspected('a.test:443', GET_ALL, [], { path: '/v1/**' }));

const REQUESTS: Readonly<Record<string, RequestRow>> = {
  'no Host header': { request: 'GET /v1/a HTTP/1.1\r\n\r\n', ...malformed, path: null },
  'another Host': { request: get('/v1/a', 'b.test'), ...mismatch, path: null },
  'another port in Host': { request: get('/v1/a', 'a.test:8443'), ...mismatch, path: null },
  'the port of http in Host': { request: get('/v1/a', 'a.test:80'), ...mismatch, path: null },
  'an address in Host': { request: get('/v1/a', '127.0.0.1'), ...mismatch, path: null },
  'another Host, and a path that no rule allows': { request: get('/x', 'b.test'), ...mismatch, path: null },
  'another host in absolute form': { request: get('https://b.test/v1/a'), ...mismatch, path: '/v1/a' },
  'another port in absolute form': { request: get('https://a.test:8443/v1/a'), ...mismatch, path: '/v1/a' },
  'user information in absolute form': { request: get('https://u@a.test/v1/a'), ...mismatch, path: '/v1/a' },
  'another expectation': {
    request: 'GET /v1/a HTTP/1.1\r\nHost: a.test\r\nExpect: more\r\n\r\n',
    ...{ status: 417, error: 'expectation_failed', code: 'OSH-EGR-018', reason: 'unsupported_protocol' },
    path: null,
  },
  'CONNECT inside': {
    request: 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n',
    ...{ status: 400, error: 'unsupported_protocol', code: 'OSH-EGR-019', reason: 'unsupported_protocol' },
    path: null,
  },
  'an upgrade to h2c': {
    request:
      'GET /v1/a HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n',
    ...{ status: 400, error: 'unsupported_protocol', code: 'OSH-EGR-019', reason: 'unsupported_protocol' },
    path: null,
  },
  'HTTP/2 by prior knowledge inside TLS': {
    request: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ...{ status: 400, error: 'unsupported_protocol', code: 'OSH-EGR-019', reason: 'unsupported_protocol' },
    path: null,
  },
  'a target that is no path': { request: get('v1/a'), ...malformed, path: null },
  'OPTIONS *': { request: 'OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n', ...PATH, path: '*' },
  'a path above the root': { request: get('/v1/../../a'), ...PATH, path: null },
  'an escaped control character': { request: get('/v1/%0a'), ...PATH, path: null },
  'a broken escape': { request: get('/v1/%zz'), ...PATH, path: null },
  'a backslash': { request: get('/v1/\\..\\secret'), ...PATH, path: null },
  'overlong UTF-8': { request: get('/v1/%c0%af'), ...PATH, path: null },
  'a dot segment behind an escaped slash': { request: get('/v1/a%2f..%2fsecret'), ...PATH, path: null },
  'an escaped slash that no endpoint lets through': { request: get('/v1/a%2fb'), ...PATH, path: '/v1/a%2Fb' },
  'a broken query': { request: get('/v1/a?b=%zz'), ...QUERY, path: null },
  'a query that is no UTF-8': { request: get('/v1/a?b=%ff'), ...QUERY, path: null },
  'a path that no rule allows': { request: get('/v2/a'), ...NO_RULE, path: '/v2/a' },
  'a path that leads out of what a rule allows': { request: get('/v1/../v2'), ...NO_RULE, path: '/v2' },
  'a method that no rule allows': {
    request: 'DELETE /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n',
    ...NO_RULE,
    path: '/v1/a',
  },
  'OPTIONS, which GET does not imply': {
    request: 'OPTIONS /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n',
    ...NO_RULE,
    path: '/v1/a',
  },
  'a deny rule before an allow rule': { request: get('/v1/secret/a'), ...DENY_RULE, path: '/v1/secret/a' },
  'a deny rule in another spelling': { request: get('/v1//%73ecret/a'), ...DENY_RULE, path: '/v1/secret/a' },
  'no endpoint that covers the path': {
    request: get('/v2'),
    rules: SELECTED,
    ...NO_RULE,
    path: '/v2',
  },
  'a bad path under audit': { request: get('/v1/%00'), rules: AUDIT, ...PATH, path: null },
  'an escaped slash under audit': { request: get('/v1/a%2fb'), rules: AUDIT, ...PATH, path: '/v1/a%2Fb' },
  'another Host under audit': { request: get('/v1/a', 'b.test'), rules: AUDIT, ...mismatch, path: null },
  'an endpoint that judges no requests beside one that does': {
    request: get('/v2'),
    rules: only(endpoint('a.test:443'), inspected('a.test:443', ['GET /v1/**'])),
    ...NO_RULE,
    path: '/v2',
  },
};

describe('a request on a connection that is looked at', () => {
  it.each(Object.entries(REQUESTS))('is refused: %s', async (_what, row) => {
    const server = await secureOrigin();
    const made = await inspecting(server, { rules: row.rules ?? REST });
    const answer = await secureTalk(made, row.request);
    const { status, error, code, reason, path } = row;
    const refusal = refusalIn(answer);
    expect(refusal).toMatchObject({ status, error, code, path, host: 'a.test', port: 443, layer: 'egress' });
    expect(refusal.head).toMatch(/content-type: application\/json/i);
    expect(refusal.head).toMatch(/connection: close/i);
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(made.events).toHaveLength(2);
    expect(made.events[0]).toMatchObject({ action: 'allow', subject: { kind: 'connect' } });
    expect(made.events[1]).toMatchObject({ type: 'denial', action: 'deny', reason, process: { pid: 42 } });
    expect(server.handshakes).toEqual([]);
    expect(made.dials).toEqual([]);
  });

  it.each([
    ['a rule', REST, get('/v1/a?token=hush'), '/v1/a', 'allow', 'allowed', 100],
    [
      'a rule, after its path was made canonical',
      REST,
      get('/x/../v1/./a//b'),
      '/v1/a/b',
      'allow',
      'allowed',
      100,
    ],
    [
      'HEAD, by a rule about GET',
      REST,
      get('/v1/a').replace('GET', 'HEAD'),
      '/v1/a',
      'allow',
      'allowed',
      100,
    ],
    [
      'absolute form for the same host',
      REST,
      get('https://A.test:443/v1/a'),
      '/v1/a',
      'allow',
      'allowed',
      100,
    ],
    ['a Host in another spelling', REST, get('/v1/a', 'A.TEST.:443'), '/v1/a', 'allow', 'allowed', 100],
    ['audit, without a rule', AUDIT, get('/v2'), '/v2', 'audit', 'request_not_allowed', 10],
    [
      'audit, against a deny rule',
      AUDIT,
      get('/v1/secret/a'),
      '/v1/secret/a',
      'audit',
      'request_denied_by_rule',
      200,
    ],
  ])('is sent: %s', async (_what, rules, request, path, action, reason, line) => {
    const server = await secureOrigin();
    const made = await inspecting(server, { rules });
    const { client } = await secureClient(made);
    expect(await client.send(request).until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const [method, target] = server.log[0]!.split(' ');
    expect(target!.split('?')[0]).toBe(path);
    expect(made.events).toHaveLength(2);
    expect(made.events[1]).toMatchObject({
      ...{ type: 'decision', action, reason, layer: 'egress', count: 1 },
      rule: { policy: 'site', index: 0, line },
      subject: { kind: 'request', method, host: 'a.test', port: 443, path },
      process: { exe: '/usr/bin/curl' },
    });
    expect(JSON.stringify(made.events)).not.toContain('hush');
  });

  it('leaves one event, whatever number of requests a connection carries', async () => {
    const server = await secureOrigin((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    for (let i = 1; i <= 5; i += 1) {
      client.send(get(`/v1/${i}`));
      await client.until((text) => text.split('204').length === i + 1);
    }
    expect(
      made.events.map(({ subject }) => (subject.kind === 'request' ? subject.path : subject.kind)),
    ).toEqual(['connect', ...[1, 2, 3, 4, 5].map((i) => `/v1/${i}`)]);
    expect(made.dials).toHaveLength(1);
  });

  it('is judged by the rules that hold when it comes, not when its connection was made', async () => {
    const server = await secureOrigin((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    await client.send(get('/v1/a')).until('204');
    const { buildIndex } = await import('../../../src/match/egress-index.ts');
    made.proxy.useIndex(buildIndex(only(inspected('b.test:443', GET_ALL))));
    client.received = '';
    expect(refusalIn(await client.send(get('/v1/a')).end())).toMatchObject({
      code: 'OSH-EGR-003',
      path: '/v1/a',
    });
    expect(server.log).toHaveLength(1);
    expect(server.log[0]!.match(/GET/g)).toHaveLength(1);
  });

  it('comes in absolute form over the proxy as well, with two events', async () => {
    const { origin } = await import('../harness.ts');
    const server = await origin((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const made = await inspecting(server);
    const client = new Client(made.port).send(get('http://a.test/v1/a?x=1'));
    await client.until('204');
    expect(server.log[0]).toMatch(/^GET \/v1\/a\?x=1 HTTP\/1\.1\r\nhost: a\.test\r\n/);
    client.received = '';
    expect(refusalIn(await client.send(get('http://a.test/v2')).end())).toMatchObject({
      code: 'OSH-EGR-022',
    });
    expect(made.events.map(({ subject, action }) => [subject.kind, action])).toEqual([
      ['connect', 'allow'],
      ['request', 'allow'],
      ['connect', 'allow'],
      ['request', 'deny'],
    ]);
  });

  it('in absolute form that asks for another protocol is refused by the name of its server', async () => {
    const made = await inspecting(noServer);
    const asked =
      'GET http://a.test/v1/a HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: imap\r\n\r\n';
    expect(refusalIn(await new Client(made.port).send(asked).end())).toMatchObject({
      ...{ status: 400, code: 'OSH-EGR-019', host: 'a.test', port: 80 },
    });
  });
});

describe('a server that is not to be had', () => {
  it.each([
    ['answers rubbish', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['closes at once', ''],
    ['closes in its head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['answers HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['answers two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'answers length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['answers a NUL', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['answers a bare carriage return', 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n'],
    ['answers a status of two digits', 'HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['answers a status of 099', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['answers a header name that is none', 'HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 0\r\n\r\n'],
    [
      'changes the protocol unasked',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    ],
    ['sends informational answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)],
    [
      'answers headers without end',
      `HTTP/1.1 200 OK\r\n${'X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(1000)}`,
    ],
    ['answers one endless header', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}`],
  ])('gets no second event, and its client a 502: it %s', async (_what, answer) => {
    const server = await secureOrigin((socket) => socket.end(answer, 'latin1'));
    const made = await inspecting(server);
    const text = await secureTalk(
      made,
      'POST /v1/items HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx',
    );
    const body = text.slice(Math.max(0, text.indexOf('HTTP/1.1 502')));
    expect(refusalIn(body)).toMatchObject({
      status: 502,
      code: 'OSH-EGR-021',
      error: 'invalid_upstream_response',
    });
    expect(made.events).toHaveLength(2);
    expect(made.events[1]).toMatchObject({ action: 'allow', subject: { kind: 'request' } });
    expect(server.log.filter((text) => text !== '')).toHaveLength(1);
  });

  it('is told of with its address where it cannot be reached', async () => {
    const made = await inspecting({ port: 1 });
    expect(refusalIn(await secureTalk(made, get('/v1/a')))).toMatchObject({
      ...{ status: 502, code: 'OSH-EGR-011', error: 'upstream_unreachable', path: '/v1/a', method: 'GET' },
    });
  });

  it('is not believed when its address changes to an internal one', async () => {
    let address = '8.8.8.8';
    const made = await inspecting(noServer, {
      rules: only(inspected('*.test:443', GET_ALL)),
      resolver: { lookup: async () => ok([address]) },
      to: {},
    });
    const { client } = await secureClient(made);
    address = '10.0.0.1';
    expect(refusalIn(await client.send(get('/')).end())).toMatchObject({ status: 403, code: 'OSH-EGR-007' });
    expect(made.events.map(({ action, reason }) => [action, reason])).toEqual([
      ['allow', 'allowed'],
      ['allow', 'allowed'],
      ['deny', 'special_address'],
    ]);
  });
});
