import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { buildIndex } from '../../src/match/egress-index.ts';
import { table } from '../match/tables.ts';
import { answerOnce, bench, Client, eventually, origin, refusalIn, talk } from './harness.ts';

const get = (path: string, more = '', host = 'a.test') =>
  `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const close = 'Connection: close\r\n';
/** The header lines of the first message in a text, in lower case. */
const lines = (text: string) =>
  text.slice(0, text.indexOf('\r\n\r\n')).toLowerCase().split('\r\n').slice(1).sort();

describe('a request in absolute form', () => {
  it('reaches the allowed host in origin form and brings the answer back', async () => {
    const server = await origin(answerOnce('hello', 'X-From: origin\r\n'));
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(port, get('/p?q=1', `Accept: */*\r\n${close}`));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\n\r\nhello$/);
    expect(lines(answer)).toEqual([
      'connection: close',
      'content-length: 5',
      'via: 1.1 openshell-sandbox',
      'x-from: origin',
    ]);
    expect(server.log[0]).toMatch(/^GET \/p\?q=1 HTTP\/1\.1\r\n/);
    expect(lines(server.log[0]!)).toEqual([
      'accept: */*',
      'connection: close',
      'host: a.test',
      'via: 1.1 openshell-sandbox',
    ]);
    expect(events).toMatchObject([
      {
        action: 'allow',
        reason: 'allowed',
        subject: { kind: 'connect', host: 'a.test', port: 80, via: 'forward' },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain('q=1');
  });

  it.each([
    ['http://a.test', 'GET / HTTP/1.1'],
    ['http://a.test?x=1', 'GET /?x=1 HTTP/1.1'],
    ['HTTP://A.TEST:80/', 'GET / HTTP/1.1'],
    ['http://a.test./%2e%2e//x;y', 'GET /%2e%2e//x;y HTTP/1.1'],
  ])('asks for %s as `%s`', async (url, line) => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    await talk(port, `GET ${url} HTTP/1.1\r\nHost: a.test\r\n${close}\r\n`);
    expect(server.log[0]?.split('\r\n')[0]).toBe(line);
    expect(server.log[0]).toMatch(/\r\nHost: a\.test\r\n/);
  });

  it('asks for the server as a whole when OPTIONS names no path', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    await talk(port, `OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n${close}\r\n`);
    expect(server.log[0]).toMatch(/^OPTIONS \* HTTP\/1\.1\r\n/);
  });

  it('names a port that is not 80 in the Host header, and brackets an IPv6 address', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:443': server.port } });
    await talk(port, `GET http://a.test:443/ HTTP/1.1\r\nHost: a.test:443\r\n${close}\r\n`);
    expect(lines(server.log[0]!)).toContain('host: a.test:443');
  });

  it('sends nothing that belongs to this hop, and nothing that the Connection header names', async () => {
    const server = await origin();
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const secret = 'c2VjcmV0';
    await talk(
      port,
      get(
        '/',
        [
          `Proxy-Authorization: Basic ${secret}`,
          'Proxy-Connection: keep-alive',
          'Keep-Alive: timeout=5',
          'TE: trailers',
          'Trailer: x',
          'Upgrade: h2c',
          'HTTP2-Settings: AAAA',
          'X-Hop: gone',
          'X-End: stays',
          'Via: 1.0 first',
          'Connection: close, X-Hop',
          '',
        ].join('\r\n'),
      ),
    );
    expect(lines(server.log[0]!)).toEqual([
      'connection: close',
      'host: a.test',
      'via: 1.0 first',
      'via: 1.1 openshell-sandbox',
      'x-end: stays',
    ]);
    expect(JSON.stringify(events)).not.toContain(secret);
  });

  it('keeps repeated headers apart and in order, in both directions', async () => {
    const server = await origin(answerOnce('', 'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n'));
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(port, get('/', `X: 1\r\nX: 2\r\n${close}`));
    expect(server.log[0]).toContain('X: 1\r\nX: 2\r\n');
    expect(answer).toContain('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n');
  });

  it('judges every request on a connection by itself', async () => {
    const server = await origin();
    const { port, events, proxy } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(get('/1'));
    await client.until('hello');
    client.received = '';
    await client.send(get('/2')).until('hello');
    proxy.useIndex(buildIndex(table([])));
    client.received = '';
    expect(refusalIn(await client.send(get('/3')).end())).toMatchObject({ status: 403, code: 'OSH-EGR-002' });
    expect(events.map(({ action }) => action)).toEqual(['allow', 'allow', 'deny']);
    expect(server.log.map((text) => text.split(' ')[1])).toEqual(['/1', '/2']);
  });

  it('answers pipelined requests one after the other, in order, the refused one in its place', async () => {
    const server = await origin((socket, soFar) => answerOnce(soFar.split(' ')[1]!)(socket, soFar));
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(
      port,
      get('/first') + get('/second') + get('/third', '', 'denied.test') + get('/fourth'),
    );
    expect(answer.match(/\/first|\/second|OSH-EGR-003|\/fourth/g)).toEqual([
      '/first',
      '/second',
      'OSH-EGR-003',
    ]);
    expect(server.log.map((text) => text.split(' ')[1])).toEqual(['/first', '/second']);
    expect(events.map(({ reason }) => reason)).toEqual(['allowed', 'allowed', 'endpoint_not_listed']);
  });

  it('does not use a connection to a server twice', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port);
    for (let i = 0; i < 3; i += 1) {
      client.received = '';
      await client.send(get(`/${i}`)).until('hello');
    }
    expect(server.log).toHaveLength(3);
    await eventually(() => server.open.size === 0);
  });

  it.each([
    ['https://a.test/', 400, 'unsupported_proxy_scheme', /CONNECT/],
    ['ftp://a.test/', 400, 'unsupported_proxy_scheme', /`ftp` is not http/],
    ['/path', 400, 'invalid_request', /not a bare path/],
    ['*', 400, 'invalid_request', /not a bare path/],
    ['http://user:secret@a.test/', 400, 'invalid_request_target', /user information/],
    ['http://a.test/#secret', 400, 'invalid_request_target', /fragment/],
    ['http://a.test:0/', 400, 'invalid_request_target', /port/],
    ['http://a.test:/', 400, 'invalid_request_target', /port/],
    ['http://127.1/', 400, 'invalid_request_target', /unusual form/],
    ['http:///x', 400, 'invalid_request_target', /HPE_INVALID_URL|empty/],
    ['http://[::1%25lo]/', 400, 'invalid_request_target', /HPE_INVALID_URL|zone/],
    ['http://policy.local/', 403, 'policy_denied', /not allowed by any policy/],
  ])('refuses %s', async (url, status, error, reason) => {
    const { port, events, dials } = await bench();
    const method = url === '*' ? 'OPTIONS' : 'GET';
    const answer = await talk(port, `${method} ${url} HTTP/1.1\r\nHost: policy.local\r\n\r\n`);
    const refusal = refusalIn(answer);
    expect(refusal.status).toBe(status);
    expect([error, 'invalid_request']).toContain(refusal.error);
    expect(refusal.reason).toMatch(reason);
    expect(events).toHaveLength(1);
    expect(dials).toEqual([]);
    expect(JSON.stringify([events, answer])).not.toContain('secret');
  });

  it('says method, path without query, host and port in a refusal', async () => {
    const { port, events } = await bench();
    const request =
      'POST http://b.test:81/p/q?token=secret HTTP/1.1\r\nHost: b.test:81\r\nContent-Length: 2\r\n\r\nhi';
    const answer = await talk(port, request);
    expect(refusalIn(answer)).toMatchObject({
      detail: 'POST b.test:81/p/q not permitted by policy',
      method: 'POST',
      path: '/p/q',
      host: 'b.test',
      port: 81,
    });
    expect(JSON.stringify([events, answer])).not.toContain('secret');
  });

  it('refuses a forbidden address the same way as CONNECT does', async () => {
    const { port } = await bench({ resolver: { lookup: async () => ok(['169.254.169.254']) } });
    expect(refusalIn(await talk(port, get('/latest')))).toMatchObject({
      status: 403,
      error: 'ssrf_denied',
      detail: 'GET a.test:80 blocked: declared endpoint check failed',
    });
  });

  it.each([
    ['nobody listens', 1, 'upstream_unreachable', 'OSH-EGR-011'],
    ['the server hangs up', 'close', 'invalid_upstream_response', 'OSH-EGR-021'],
    ['the server speaks no HTTP', 'rubbish\r\n\r\n', 'invalid_upstream_response', 'OSH-EGR-021'],
    [
      'the answer has two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
      'invalid_upstream_response',
      'OSH-EGR-021',
    ],
    [
      'the answer has length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'invalid_upstream_response',
      'OSH-EGR-021',
    ],
    [
      'the status is none',
      'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n',
      'invalid_upstream_response',
      'OSH-EGR-021',
    ],
    [
      'the answer switches protocols unasked',
      'HTTP/1.1 101 No\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'invalid_upstream_response',
      'OSH-EGR-021',
    ],
    [
      'the header section has no end',
      `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`,
      'invalid_upstream_response',
      'OSH-EGR-021',
    ],
    [
      'informational answers have no end',
      'HTTP/1.1 103 Early\r\nX: y\r\n\r\n'.repeat(40),
      'invalid_upstream_response',
      null,
    ],
  ])('answers 502 when %s', async (_what, behaviour, error, code) => {
    const server = await origin((socket) => {
      if (behaviour === 'close') socket.destroy();
      else socket.write(String(behaviour), 'latin1');
    });
    const { port, events } = await bench({ to: { 'a.test:80': behaviour === 1 ? 1 : server.port } });
    const answer = await talk(port, get('/'));
    if (code === null) expect(answer).toContain(error);
    else expect(refusalIn(answer)).toMatchObject({ status: 502, error, code, policy: 'site' });
    expect(events).toHaveLength(1);
    await eventually(() => server.open.size === 0);
  });

  it('breaks off when the server does so in the middle of an answer', async () => {
    const server = await origin((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
      setTimeout(() => socket.destroy(), 20);
    });
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    expect(await talk(port, get('/'))).toMatch(/part$/);
  });

  it('closes the connection to the server when the client goes', async () => {
    const server = await origin(() => undefined);
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(get('/'));
    await eventually(() => server.open.size === 1);
    client.socket.destroy();
    await eventually(() => server.open.size === 0);
  });

  it('can be closed by what it carries', async () => {
    const server = await origin(() => undefined);
    const { port, proxy } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(get('/'));
    await eventually(() => server.open.size === 1);
    expect(proxy.closeConnections(({ via, host }) => via === 'forward' && host === 'a.test')).toBe(1);
    await client.end();
    await eventually(() => server.open.size === 0);
    expect(proxy.closeConnections(() => true)).toBe(0);
  });

  it('carries nothing once it is answered, though the connection stays open', async () => {
    const server = await origin();
    const { port, proxy } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(get('/'));
    await client.until('hello');
    await eventually(() => server.open.size === 0);
    expect(proxy.closeConnections(() => true)).toBe(0);
    client.received = '';
    expect(await client.send(get('/')).until('hello')).toContain('hello');
  });

  it.each(['GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n', 'CONNECT a.test:443 HTTP/1.1\r\n\r\n'])(
    'stops dialling when the client goes: %j',
    async (request) => {
      const dialling: Socket[] = [];
      const start = () => {
        dialling.push(new Socket());
        return dialling.at(-1)!;
      };
      const { port, events } = await bench({ start });
      const client = new Client(port).send(request);
      await eventually(() => dialling.length > 0);
      client.socket.resetAndDestroy();
      await eventually(() => events.length > 0);
      expect(dialling.every(({ destroyed }) => destroyed)).toBe(true);
      // It was allowed, and neither refused nor unreachable.
      expect(events).toMatchObject([{ action: 'allow', reason: 'allowed', subject: { address: null } }]);
    },
  );

  it('travels byte for byte, whatever bytes its values have', async () => {
    const server = await origin((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nX: \xff\xc3\xa9\r\nContent-Length: 2\r\n\r\nok', 'latin1'),
    );
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    for (const [i, framing] of ['', 'Content-Length: 2\r\n'].entries()) {
      const request = `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX: \xe9\xc3\xa9\r\n${framing}\r\n`;
      const answer = await new Client(port).send(request + (framing === '' ? '' : 'ab')).until('ok');
      expect(answer).toContain('X: \xff\xc3\xa9\r\n');
      expect(server.log[i]).toContain('X: \xe9\xc3\xa9\r\n');
    }
  });
});
