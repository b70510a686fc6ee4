import { describe, expect, it } from 'vitest';
import { type Behaviour, eventually, refusalIn } from '../harness.ts';
import { inspecting, secureClient, secureOrigin, secureTalk } from './secure.ts';

/** Framing inside of TLS: what some read as one message and others as two, and what is of one hop only. */
const POST = 'POST /v1/items HTTP/1.1\r\nHost: a.test\r\n';
const GET = 'GET /v1/a HTTP/1.1\r\nHost: a.test\r\n';
const HIDDEN = 'GET /v1/secret/hidden HTTP/1.1\r\nHost: a.test\r\n\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const count = (text: string): number => (text.match(/HTTP\/1\.[01] \d/g) ?? []).length;

/** Answers each whole request, also further ones. */
const always: Behaviour = (socket, soFar) => {
  const heads = soFar.match(/(?:GET|HEAD|POST) [^ ]+ HTTP\/1\.1\r\n/g)?.length ?? 0;
  const state = socket as typeof socket & { answered?: number };
  for (state.answered ??= 0; state.answered < heads; state.answered += 1)
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
};

const REFUSED: readonly (readonly [what: string, bytes: string])[] = [
  ['two equal lengths', `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
  ['two different lengths', `${POST}Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`],
  ['a list of lengths', `${POST}Content-Length: 3, 3\r\n\r\nabc`],
  ['a length with a sign', `${POST}Content-Length: +3\r\n\r\nabc`],
  ['a negative length', `${POST}Content-Length: -3\r\n\r\nabc`],
  ['an empty length', `${POST}Content-Length:\r\n\r\nabc`],
  ['a length beyond every file', `${POST}Content-Length: 99999999999999999999\r\n\r\nabc`],
  ['length and chunks (CL.TE)', `${POST}Content-Length: 4\r\n${CHUNKED}\r\n0\r\n\r\n${HIDDEN}`],
  ['chunks and length (TE.CL)', `${POST}${CHUNKED}Content-Length: 4\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['two codings (TE.TE)', `${POST}${CHUNKED}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['another coding', `${POST}Transfer-Encoding: gzip\r\n\r\n${HIDDEN}`],
  ['a coding before chunked', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a coding behind a vertical tab', `${POST}Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a coding in HTTP/1.0', `${POST.replace('1.1', '1.0')}${CHUNKED}\r\n0\r\n\r\n${HIDDEN}`],
  ['a continued line', `${POST}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
  ['a blank before the colon', `${POST}Content-Length : 3\r\n\r\nabc`],
  ['a bare line feed', `${GET}X: 1\nY: 2\r\n\r\n`],
  ['a bare carriage return', `${GET}X: a\rContent-Length: 3\r\n\r\nabc`],
  ['a NUL', `${GET}X: a\0b\r\n\r\n`],
  ['two Host headers', `${GET}Host: a.test\r\n\r\n`],
  [
    'a Connection header that names the length',
    `${POST}Connection: content-length\r\nContent-Length: 3\r\n\r\nabc`,
  ],
  [
    'a Connection header that names the coding',
    `${POST}Connection: transfer-encoding\r\n${CHUNKED}\r\n0\r\n\r\n`,
  ],
  ['a Connection header that names Host', `${GET}Connection: host\r\n\r\n`],
  ['HTTP/0.9', 'GET /v1/a\r\n\r\n'],
  ['HTTP/1.2', 'GET /v1/a HTTP/1.2\r\nHost: a.test\r\n\r\n'],
  ['a method in lower case', 'get /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  ['a method that Node does not know', 'FROB /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n'],
];

/** Found only after the request was judged and its head was sent on. */
const CUT_SHORT: readonly (readonly [what: string, body: string])[] = [
  ['a chunk size with a sign', '+1\r\nx\r\n0\r\n\r\n'],
  ['a chunk size in 0x form', '0x1\r\nx\r\n0\r\n\r\n'],
  ['a chunk size of 2^64', '10000000000000001\r\nx\r\n0\r\n\r\n'],
  ['a negative chunk size', '-1\r\nx\r\n0\r\n\r\n'],
  ['line feeds alone', '1\nx\n0\n\n'],
  ['a chunk longer than its size', '1\r\nxy\r\n0\r\n\r\n'],
  ['a line feed in an extension', '1;a\nb\r\nx\r\n0\r\n\r\n'],
];

describe('an inspected request that could be read in two ways', () => {
  it.each(REFUSED)('is refused: %s', async (_what, bytes) => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const answer = await secureTalk(made, bytes);
    expect(refusalIn(answer)).toMatchObject({ status: 400, layer: 'egress', host: 'a.test' });
    expect(count(answer)).toBe(1);
    expect(made.events).toHaveLength(2);
    expect(made.events[1]).toMatchObject({ type: 'denial', action: 'deny' });
    expect(server.log).toEqual([]);
  });

  it.each(CUT_SHORT)('is answered 400 where its damage comes with its head: %s', async (_what, body) => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server);
    const answer = await secureTalk(made, `${POST}${CHUNKED}\r\n${body}${HIDDEN}`);
    expect(refusalIn(answer)).toMatchObject({ status: 400, code: 'OSH-EGR-014' });
    expect(count(answer)).toBe(1);
    expect(made.events.filter(({ action }) => action === 'deny')).toHaveLength(1);
    for (const text of server.log) expect(text).not.toMatch(/0\r\n\r\n|hidden/);
  });

  it.each(CUT_SHORT)('is cut short where its damage comes later: %s', async (_what, body) => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    client.send(`${POST}${CHUNKED}\r\n3\r\nabc\r\n`);
    await eventually(() => server.log[0]?.includes('abc') === true);
    expect(refusalIn(await client.send(`${body}${HIDDEN}`).end())).toMatchObject({
      status: 400,
      code: 'OSH-EGR-014',
    });
    expect(made.events.map(({ reason }) => reason)).toEqual(['allowed', 'allowed', 'malformed_request']);
    await eventually(() => server.open.size === 0);
    expect(server.log[0]).not.toMatch(/0\r\n\r\n|hidden/);
  });

  it('is cut short in the middle of its answer, which cannot be completed', async () => {
    const server = await secureOrigin((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'),
    );
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    client.send(`${POST}${CHUNKED}\r\n3\r\nabc\r\n`);
    await client.until('part');
    expect(await client.send('xyz\r\n').end()).toMatch(/part$/);
    expect(made.events.map(({ reason }) => reason)).toEqual(['allowed', 'allowed', 'malformed_request']);
  });

  it('is not acted upon behind a refused one', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const answer = await secureTalk(made, `${HIDDEN}${GET}\r\n`);
    expect(count(answer)).toBe(1);
    expect(made.events).toHaveLength(2);
    expect(server.log).toEqual([]);
  });

  it('is judged by itself behind an allowed one, and so is the next', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const answer = await secureTalk(made, `${GET}\r\n${POST}Content-Length: 3\r\n\r\nabc${HIDDEN}${GET}\r\n`);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 403']);
    expect(made.events.map(({ action }) => action)).toEqual(['allow', 'allow', 'allow', 'deny']);
    expect(server.log.join('')).not.toContain('hidden');
  });

  it('is data where its length says so', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    await client.send(`${POST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`).until('ok');
    await eventually(() => server.log[0]!.endsWith(HIDDEN));
    expect(made.events).toHaveLength(2);
    expect(server.log[0]).toMatch(/content-length: \d+\r\n/i);
  });

  it('waits in a line of bounded length', async () => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server, { limits: { pipelined: 3 } });
    const { client } = await secureClient(made);
    client.send(`${GET}\r\n`.repeat(50));
    await eventually(() => server.log[0]?.includes('GET') === true);
    expect(server.log.join('').match(/GET /g)).toHaveLength(1);
    expect(made.events).toHaveLength(2);
  });
});

describe('what is of one hop only', () => {
  it('does not travel on in a request', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    const mine = [
      'Connection: keep-alive, X-Mine',
      'Keep-Alive: timeout=5',
      'Proxy-Authorization: Basic aHVzaA==',
      'Proxy-Connection: X-Yours',
      'TE: trailers',
      'Trailer: X-T',
      'X-Mine: 1',
      'X-Yours: 1',
      'Authorization: Bearer kept',
      'Cookie: a=1',
      'Cookie: b=2',
      'x-lower: \xff',
    ];
    await client.send(`${GET}${mine.join('\r\n')}\r\n\r\n`).until('ok');
    expect(server.log[0]!.split('\r\n')).toEqual([
      ...['GET /v1/a HTTP/1.1', 'host: a.test', 'connection: keep-alive'],
      ...['Authorization: Bearer kept', 'Cookie: a=1', 'Cookie: b=2', 'x-lower: \xff', '', ''],
    ]);
  });

  it('does not travel on in an answer, and nothing is added to it', async () => {
    const mine =
      'Connection: keep-alive, X-Mine\r\nKeep-Alive: timeout=5\r\nX-Mine: 1\r\nProxy-Authenticate: Basic\r\n';
    const theirs = 'Set-Cookie: a=1\r\nset-cookie: b=2\r\nX: \xff\r\n';
    const server = await secureOrigin((socket) =>
      socket.write(`HTTP/1.1 200 Fine\r\n${mine}${theirs}Content-Length: 2\r\n\r\nok`, 'latin1'),
    );
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    const answer = await client.send(`${GET}\r\n`).until('ok');
    expect(answer.split('\r\n\r\n')[0]!.split('\r\n')).toEqual([
      ...['HTTP/1.1 200 Fine', 'Set-Cookie: a=1', 'set-cookie: b=2', 'X: \xff', 'Content-Length: 2'],
      ...['Connection: keep-alive', 'Keep-Alive: timeout=60'],
    ]);
  });
});

describe('versions, methods and statuses', () => {
  it('HTTP/1.0 without a Host gets an answer that ends with the connection', async () => {
    const server = await secureOrigin((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`),
    );
    const made = await inspecting(server);
    const answer = await secureTalk(made, 'GET /v1/a HTTP/1.0\r\n\r\n');
    expect(answer).toMatch(/\r\n\r\nhello$/);
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(server.log[0]).toMatch(/^GET \/v1\/a HTTP\/1\.1\r\nhost: a\.test\r\n/);
  });

  it('HTTP/1.0 is told of no 100, though it asks for it', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const request = `${POST.replace('1.1', '1.0')}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`;
    expect(await secureTalk(made, request)).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('HEAD gets the head alone', async () => {
    const server = await secureOrigin((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\n\r\n'),
    );
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    client.send(GET.replace('GET', 'HEAD')).send('\r\n');
    expect(await client.until('\r\n\r\n')).toMatch(/Content-Length: 5\r\n/);
    await client.send(`${GET}\r\n`).until((text) => count(text) === 2);
    expect(client.received).toMatch(/\r\n\r\nHTTP\/1\.1 200 OK/);
  });

  it.each([
    ['HEAD', `${GET.replace('GET', 'HEAD')}\r\n`, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!'],
    ['204', `${GET}\r\n`, 'HTTP/1.1 204 No Content\r\n\r\nevil!'],
    ['304', `${GET}\r\n`, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nevil!'],
  ])(
    'an answer that has no body has none, though the server sends one: %s',
    async (_what, request, answer) => {
      const server = await secureOrigin((socket) => socket.write(answer));
      const made = await inspecting(server);
      const { client } = await secureClient(made);
      await client.send(request).until('\r\n\r\n');
      client.send(request);
      await client.until((text) => count(text) === 2);
      expect(client.received).not.toContain('evil');
    },
  );

  it('a second answer to one request is for nobody', async () => {
    const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const server = await secureOrigin((socket) => socket.write(ok('good') + ok('evil')));
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    await client.send(`${GET}\r\n`).until('good');
    await client.send(`${GET}\r\n`).until((text) => count(text) === 2);
    expect(client.received).not.toContain('evil');
  });

  it('informational answers come through, up to a bound', async () => {
    const server = await secureOrigin((socket) =>
      socket.write(
        'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Mine\r\nX-Mine: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    expect(await client.send(`${GET}\r\n`).until('ok')).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
  });

  it('100 comes from us, once the request is allowed', async () => {
    const server = await secureOrigin(always);
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    client.send(`${POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    await client.until('100 Continue\r\n\r\n');
    await client.send('abc').until('ok');
    expect(client.received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(server.log[0]).not.toMatch(/expect/i);
    client.received = '';
    client.send(`${POST.replace('items', 'other')}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    expect(refusalIn(await client.end())).toMatchObject({ status: 403 });
  });

  it('100 from a server that was not asked for it is refused', async () => {
    const server = await secureOrigin((socket) =>
      socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    );
    const made = await inspecting(server);
    const answer = await secureTalk(made, `${POST}Content-Length: 3\r\n\r\nabc`);
    expect(refusalIn(answer)).toMatchObject({ status: 502, code: 'OSH-EGR-021' });
  });

  it('trailers of an answer come through, but for those that frame', async () => {
    const server = await secureOrigin((socket) =>
      socket.write(
        `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n${CHUNKED}\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n`,
      ),
    );
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    expect(await client.send(`${GET}\r\n`).until('0\r\nX')).toMatch(/2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('an answer that ends with its connection ends in chunks for the client', async () => {
    const server = await secureOrigin((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'));
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    expect(await client.send(`${GET}\r\n`).until('0\r\n\r\n')).toMatch(/9\r\nall of it\r\n0\r\n\r\n$/);
  });

  it.each([
    ['with a length', 'Content-Length: 9\r\n\r\npart'],
    ['in chunks', `${CHUNKED}\r\n4\r\npart\r\n`],
  ])('an answer that breaks off is broken off: %s', async (_what, rest) => {
    const server = await secureOrigin((socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
    const made = await inspecting(server);
    const answer = await secureTalk(made, `${GET}\r\n`);
    expect(answer).toContain('part');
    expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  it('an answer in another transfer coding is none', async () => {
    const server = await secureOrigin((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n\x1f\x8b'),
    );
    const made = await inspecting(server);
    expect(refusalIn(await secureTalk(made, `${GET}\r\n`))).toMatchObject({
      status: 502,
      code: 'OSH-EGR-021',
    });
  });

  it('a bomb is passed on as it is', async () => {
    const { gzipSync } = await import('node:zlib');
    const bomb = gzipSync(Buffer.alloc(10_000_000)).toString('latin1');
    const server = await secureOrigin((socket) =>
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n${bomb}`,
        'latin1',
      ),
    );
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    const answer = await client.send(`${GET}\r\n`).until((text) => text.endsWith(bomb.slice(-64)));
    expect(answer.split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe(bomb);
  });
});

describe('an answer before the request is whole', () => {
  it('reaches a client that goes on sending', async () => {
    const server = await secureOrigin((socket) => {
      if (socket.writable)
        socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    });
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    client.send(`${POST}Content-Length: 4000000\r\n\r\n`);
    for (let i = 0; i < 40; i += 1) client.send('x'.repeat(100_000));
    const answer = await client.end();
    expect(answer).toMatch(/^HTTP\/1\.1 413 Too Large\r\n/);
    expect(answer).toMatch(/no$/);
  });

  it('of ours reaches it too, where the server goes away', async () => {
    const server = await secureOrigin((socket) => socket.destroy());
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    client.send(`${POST}Content-Length: 4000000\r\n\r\n`);
    for (let i = 0; i < 40; i += 1) client.send('x'.repeat(100_000));
    expect(refusalIn(await client.end())).toMatchObject({ status: 502, code: 'OSH-EGR-021' });
  });

  it('ends the request for the server when the client goes away', async () => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server, { upstreamLimits: { upstreamIdleMs: 100 } });
    const { client } = await secureClient(made);
    client.send(`${POST}Content-Length: 4000000\r\n\r\nabc`);
    await eventually(() => server.log[0]?.includes('abc') === true);
    client.socket.destroy();
    await eventually(() => server.open.size === 0);
  });
});
