import { describe, expect, it } from 'vitest';
import { bench, Client, eventually, type Origin, origin, refusalIn, talk } from './harness.ts';

/**
 * Requests that some parsers read as one message and others as two. Whatever the proxy makes of them, the origin must
 * see only whole requests that were judged, in the proxy's own spelling, one for each connection and event.
 */
const POST = 'POST http://a.test/ok HTTP/1.1\r\nHost: a.test\r\n';
const HIDDEN = 'GET http://denied.test/hidden HTTP/1.1\r\nHost: denied.test\r\n\r\n';
const HIDDEN_ORIGIN_FORM = 'GET /hidden HTTP/1.1\r\nHost: a.test\r\n\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

const REFUSED: readonly (readonly [what: string, bytes: string])[] = [
  ['two equal lengths', `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
  ['two different lengths', `${POST}Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`],
  ['a list of lengths', `${POST}Content-Length: 3, 3\r\n\r\nabc`],
  ['a length with a sign', `${POST}Content-Length: +3\r\n\r\nabc`],
  ['a negative length', `${POST}Content-Length: -3\r\n\r\nabc`],
  ['a length in hexadecimal', `${POST}Content-Length: 0x3\r\n\r\nabc`],
  ['a length that is empty', `${POST}Content-Length:\r\n\r\nabc`],
  ['a length beyond every file', `${POST}Content-Length: 99999999999999999999\r\n\r\nabc`],
  ['length and chunks', `${POST}Content-Length: 4\r\n${CHUNKED}\r\n0\r\n\r\n${HIDDEN}`],
  ['chunks and length', `${POST}${CHUNKED}Content-Length: 4\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['two codings', `${POST}${CHUNKED}${CHUNKED}\r\n0\r\n\r\n${HIDDEN}`],
  ['another coding', `${POST}Transfer-Encoding: gzip\r\n\r\n${HIDDEN}`],
  ['a coding before chunked', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a coding after chunked', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a misspelt coding', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a quoted coding', `${POST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a coding behind a vertical tab', `${POST}Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a coding on a continued line', `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${HIDDEN}`],
  ['a coding in HTTP/1.0', `POST http://a.test/ok HTTP/1.0\r\n${CHUNKED}\r\n0\r\n\r\n${HIDDEN}`],
  ['a continued line', `${POST}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
  ['a continued first line', `POST http://a.test/ok HTTP/1.1\r\n Host: a.test\r\n\r\n`],
  ['a blank before the colon', `${POST}Content-Length : 3\r\n\r\nabc`],
  ['a name with a blank in it', `${POST}X Y: 1\r\n\r\n`],
  ['a line without a colon', `${POST}Nonsense\r\n\r\n`],
  ['a bare line feed after the request line', `POST http://a.test/ok HTTP/1.1\nHost: a.test\r\n\r\n`],
  ['a bare line feed after a header', `POST http://a.test/ok HTTP/1.1\r\nHost: a.test\nX: 1\r\n\r\n`],
  ['a bare carriage return in a header', `${POST}X: a\rContent-Length: 3\r\n\r\nabc`],
  ['a NUL in a header', `${POST}X: a\0b\r\n\r\n`],
  ['two Host headers', `${POST}Host: a.test\r\nContent-Length: 0\r\n\r\n`],
  ['a Host header that differs', 'GET http://a.test/ok HTTP/1.1\r\nHost: denied.test\r\n\r\n'],
  ['a Host header with another port', 'GET http://a.test/ok HTTP/1.1\r\nHost: a.test:443\r\n\r\n'],
  ['a Host header with user information', 'GET http://a.test/ok HTTP/1.1\r\nHost: x@a.test\r\n\r\n'],
  ['an empty Host header', 'GET http://a.test/ok HTTP/1.1\r\nHost:\r\n\r\n'],
  ['no Host header', 'GET http://a.test/ok HTTP/1.1\r\n\r\n'],
  ['a Connection header that names Host', `${POST}Connection: close, host\r\n\r\n`],
  [
    'a Connection header that names the length',
    `${POST}Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc`,
  ],
  [
    'a Connection header that names the coding',
    `${POST}Connection: transfer-encoding\r\n${CHUNKED}\r\n0\r\n\r\n`,
  ],
  ['HTTP/0.9', 'GET http://a.test/ok\r\n\r\n'],
  ['HTTP/1.2', 'GET http://a.test/ok HTTP/1.2\r\nHost: a.test\r\n\r\n'],
  ['HTTP/2.0 in a request line', 'GET http://a.test/ok HTTP/2.0\r\nHost: a.test\r\n\r\n'],
  ['a method in lower case', 'get http://a.test/ok HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  ['tabs between the parts', 'GET\thttp://a.test/ok\tHTTP/1.1\r\nHost: a.test\r\n\r\n'],
  [
    'a path in absolute form behind a blank',
    'GET http://a.test/ok http://denied.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
  ],
];

/** Bad chunks are found only after the request was judged and its head was sent on. */
const CUT_SHORT: readonly (readonly [what: string, body: string])[] = [
  ['a chunk size with a sign', `+1\r\nx\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk size in 0x form', `0x1\r\nx\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk size with a blank', `1 \r\nx\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk size of 2^64', `10000000000000001\r\nx\r\n0\r\n\r\n${HIDDEN}`],
  ['a negative chunk size', `-1\r\nx\r\n0\r\n\r\n${HIDDEN}`],
  ['an empty chunk size', `\r\nx\r\n0\r\n\r\n${HIDDEN}`],
  ['line feeds alone', `1\nx\n0\n\n${HIDDEN}`],
  ['a line feed in an extension', `1;a\nb\r\nx\r\n0\r\n\r\n${HIDDEN}`],
  ['a chunk longer than its size', `1\r\nxy\r\n0\r\n\r\n${HIDDEN}`],
  ['a length in the trailers', `1\r\nx\r\n0\r\nContent-Length: 9\r\n\r\n${HIDDEN}`],
];

/** Framing with one meaning: both messages are judged. */
const JUDGED: readonly (readonly [what: string, bytes: string, answers: number])[] = [
  ['a body that looks like a request', `${POST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`, 1],
  [
    'a chunk that looks like a request',
    `${POST}${CHUNKED}\r\n${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`,
    1,
  ],
  ['a chunk extension', `${POST}${CHUNKED}\r\n1;x="GET /hidden"\r\nx\r\n0\r\n\r\n`, 1],
  ['a trailer', `${POST}${CHUNKED}\r\n1\r\nx\r\n0\r\nX-Trailer: 1\r\n\r\n`, 1],
  ['a request behind a chunked one', `${POST}${CHUNKED}\r\n0\r\n\r\n${HIDDEN}`, 2],
  ['a request behind one with a length', `${POST}Content-Length: 3\r\n\r\nabc${HIDDEN}`, 2],
  ['a request in origin form behind one', `${POST}Content-Length: 0\r\n\r\n${HIDDEN_ORIGIN_FORM}`, 2],
  ['rubbish behind a request', `${POST}Content-Length: 0\r\n\r\n\0\0\0\0`, 2],
  ['a coding in capitals', `${POST}Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n${HIDDEN}`, 2],
  [
    'a GET with a body',
    `GET http://a.test/ok HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc${HIDDEN}`,
    2,
  ],
  ['empty lines first', `\r\n\r\n${POST}Content-Length: 0\r\n\r\n${HIDDEN}`, 2],
  [
    'a Host header in another spelling',
    `POST http://A.TEST./ok HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
    2,
  ],
];

/** An origin that answers each whole request that it finds, also further ones on a connection. */
const answering = (): Promise<Origin> =>
  origin((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));

describe('a request that could be read in two ways', () => {
  it.each(REFUSED)('is refused: %s', async (_what, bytes) => {
    const server = await answering();
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(port, bytes);
    expect(refusalIn(answer)).toMatchObject({ status: 400, layer: 'egress' });
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'denial', action: 'deny' });
    expect(server.log).toEqual([]);
  });

  it.each(CUT_SHORT)('is cut short and answered 400: %s', async (_what, body) => {
    const server = await origin(() => undefined);
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(port, `${POST}${CHUNKED}\r\n${body}`);
    expect(refusalIn(answer)).toMatchObject({ status: 400, code: 'OSH-EGR-014' });
    for (const text of server.log) {
      expect(text).not.toContain('hidden');
      expect(text).not.toContain('0\r\n\r\n');
    }
    expect(events.at(-1)).toMatchObject({ action: 'deny', reason: 'malformed_request' });
    expect(events.filter(({ action }) => action === 'deny')).toHaveLength(1);
  });

  it('is not decided upon when the damage is seen together with its head', async () => {
    const { port, events, dials } = await bench();
    await talk(port, `${POST}${CHUNKED}\r\n+1\r\nx\r\n0\r\n\r\n`);
    expect(events).toMatchObject([
      { action: 'deny', reason: 'malformed_request', subject: { host: 'a.test' } },
    ]);
    expect(dials).toEqual([]);
  });

  it('is cut short in the middle of the exchange: a bad chunk that comes later', async () => {
    const server = await origin(() => undefined);
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(`${POST}${CHUNKED}\r\n3\r\nabc\r\n`);
    await eventually(() => server.log[0]?.includes('abc') === true);
    expect(refusalIn(await client.send(`xyz\r\n${HIDDEN}`).end())).toMatchObject({
      status: 400,
      host: 'a.test',
    });
    expect(events.map(({ reason }) => reason)).toEqual(['allowed', 'malformed_request']);
    await eventually(() => server.open.size === 0);
    expect(server.log[0]).toMatch(/3\r\nabc\r\n$/);
  });

  it('is cut short in the middle of the answer, which cannot be completed', async () => {
    const server = await origin((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'));
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(`${POST}${CHUNKED}\r\n3\r\nabc\r\n`);
    await client.until('part');
    expect(await client.send('xyz\r\n').end()).toMatch(/part$/);
    expect(events.map(({ reason }) => reason)).toEqual(['allowed', 'malformed_request']);
  });

  it.each(JUDGED)('has one reading here, which the origin gets: %s', async (_what, bytes, answers) => {
    const server = await answering();
    const { port, events } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(bytes);
    const count = (text: string) => (text.match(/HTTP\/1\.1 \d/g) ?? []).length;
    const answer = await client.until((text) => count(text) === answers);
    expect(count(answer)).toBe(answers);
    expect(events.map(({ action }) => action)).toEqual(answers === 2 ? ['allow', 'deny'] : ['allow']);
    expect(server.log).toHaveLength(1);
    const [head, body] = server.log[0]!.split(/\r\n\r\n(.*)/s);
    expect(head).toMatch(/^(?:POST|GET) \/ok HTTP\/1\.1\r\nHost: a\.test\r\n/);
    expect(head!.match(/^(?:content-length|transfer-encoding): /gim)).toHaveLength(1);
    // Two answers: what looked like a second request was one, and not sent on. One answer: it was data, and arrived.
    expect(body!.includes('hidden')).toBe(
      answers === 1 && bytes.includes('hidden') && !bytes.includes(';x='),
    );
  });
});

describe('CONNECT beside other requests', () => {
  it('closes when an earlier request has no answer yet', async () => {
    const server = await origin(() => undefined);
    const { port, events, dials } = await bench({
      to: { 'a.test:80': server.port, 'a.test:443': server.port },
    });
    const answer = await talk(
      port,
      `${POST}Content-Length: 0\r\n\r\nCONNECT a.test:443 HTTP/1.1\r\n\r\n${HIDDEN}`,
    );
    expect(answer).not.toContain('Established');
    expect(dials).not.toContain('a.test:443');
    expect(events.map(({ reason }) => reason)).toContain('malformed_request');
  });

  it('works after an answered one', async () => {
    const server = await answering();
    const { port } = await bench({ to: { 'a.test:80': server.port, 'a.test:443': server.port } });
    const client = new Client(port).send(`${POST}Content-Length: 0\r\n\r\n`);
    await client.until('ok');
    expect(await client.send('CONNECT a.test:443 HTTP/1.1\r\n\r\n').until('Established\r\n\r\n')).toContain(
      'Established',
    );
  });

  it('is refused when another request follows a refused one on the connection', async () => {
    const server = await answering();
    const { port, dials } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(port, `${HIDDEN}${POST}Content-Length: 0\r\n\r\n`);
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(dials).toEqual([]);
  });
});

describe('an answer that could be read in two ways', () => {
  it('ends with its message: what the origin sends behind it is dropped', async () => {
    const server = await origin((socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
      ),
    );
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(`${POST}Content-Length: 0\r\n\r\n`);
    await client.until('ok');
    client.send(`${POST}Content-Length: 0\r\n\r\n`);
    const answer = await client.until((text) => (text.match(/200 OK/g) ?? []).length >= 2);
    expect(answer).not.toContain('evil');
    expect(server.log).toHaveLength(2);
  });
});
