import { describe, expect, it } from 'vitest';
import { liveBuffers } from '../support/memory.ts';
import { bench, Client, eventually, origin, refusalIn, talk } from './harness.ts';

const get = (path: string, more = '', host = 'a.test') =>
  `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const close = 'Connection: close\r\n';
/** The header lines of the first message in a text, in lower case. */
const lines = (text: string) =>
  text.slice(0, text.indexOf('\r\n\r\n')).toLowerCase().split('\r\n').slice(1).sort();

/** The data of a chunked body without trailers. */
function dechunked(text: string): string {
  const line = text.indexOf('\r\n');
  const size = Number.parseInt(text.slice(0, line), 16);
  if (size === 0) return '';
  return text.slice(line + 2, line + 2 + size) + dechunked(text.slice(line + 2 + size + 2));
}

describe('bodies', () => {
  it.each([
    ['of a known length', 'Content-Length: 5\r\n', 'abcde', /content-length: 5/],
    [
      'in chunks',
      'Transfer-Encoding: chunked\r\n',
      '2;ext=1\r\nab\r\n3\r\ncde\r\n0\r\n\r\n',
      /transfer-encoding: chunked/,
    ],
    ['of length zero', 'Content-Length: 0\r\n', '', /content-length: 0/],
    ['that are not there', '', '', /content-length: 0/],
  ])('%s arrive whole', async (_what, header, body, framing) => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const request = `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${header}${close}\r\n${body}`;
    expect(await talk(port, request)).toMatch(/hello$/);
    const text = server.log[0]!;
    expect(lines(text).join('\n')).toMatch(framing);
    const sent = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(header.includes('chunked') ? dechunked(sent) : sent).toBe(body === '' ? '' : 'abcde');
    expect(sent).not.toContain('ext');
  });

  it('bring trailers, in both directions, but none that say where a message ends', async () => {
    const server = await origin((socket, soFar) => {
      if (soFar.endsWith('\r\n\r\n') && soFar.includes('0\r\n'))
        socket.write(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Down: 1\r\n\r\n',
        );
    });
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const request = `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n${close}\r\n1\r\nx\r\n0\r\nX-Up: 2\r\nHost: evil\r\n\r\n`;
    const answer = await talk(port, request);
    expect(answer).toMatch(/0\r\nX-Down: 1\r\n\r\n$/);
    expect(server.log[0]).toMatch(/0\r\nX-Up: 2\r\n\r\n$/);
  });

  it("without a length end with the server's connection", async () => {
    const server = await origin((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'));
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    expect(await talk(port, get('/', close))).toContain('until the end');
    expect(await talk(port, `GET http://a.test/ HTTP/1.0\r\n\r\n`)).toMatch(/\r\n\r\nuntil the end$/);
  });

  it.each(['204 No Content', '304 Not Modified'])('%s has none', async (status) => {
    const server = await origin((socket) => socket.write(`HTTP/1.1 ${status}\r\nETag: x\r\n\r\n`));
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    expect(await talk(port, get('/', close))).toMatch(/ETag: x\r\n[\s\S]*\r\n\r\n$/);
  });

  it('of HEAD are announced only', async () => {
    const server = await origin((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n'));
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(port, `HEAD http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${close}\r\n`);
    expect(answer).toMatch(/Content-Length: 500\r\n[\s\S]*\r\n\r\n$/);
  });

  it('stream: an event arrives while the answer goes on', async () => {
    const server = await origin((socket) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n',
      ),
    );
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(get('/'));
    await client.until('data: 1');
    for (const socket of server.open) socket.write('8\r\ndata: 2\n\r\n');
    expect(await client.until('data: 2')).toContain('data: 2');
    expect(client.closed).toBe(false);
  });

  it('are not taken from the client faster than the server takes them', async () => {
    const server = await origin(() => undefined);
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port);
    client.send('POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000\r\n\r\n');
    await eventually(() => server.open.size === 1);
    for (const socket of server.open) socket.pause();
    const block = Buffer.alloc(1024 * 1024);
    let taken = 0;
    for (; taken < 200; taken += 1) {
      if (client.socket.write(block)) continue;
      const drained = await Promise.race([
        new Promise((resolve) => client.socket.once('drain', () => resolve(true))),
        new Promise((resolve) => setTimeout(() => resolve(false), 300)),
      ]);
      if (drained === false) break;
    }
    expect(taken).toBeLessThan(64);
  });

  it('of 256 MiB pass in flat memory, up and down', async () => {
    const size = 256 * 1024 * 1024;
    let up = 0;
    const server = await origin(() => undefined);
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port);
    client.socket.removeAllListeners('data');
    let down = 0;
    client.socket.on('data', (bytes) => {
      down += bytes.length;
    });
    client.send(`POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${size}\r\n\r\n`);
    await eventually(() => server.open.size === 1);
    const [socket] = server.open;
    socket!.removeAllListeners('data');
    socket!.on('data', (bytes) => {
      up += bytes.length;
    });
    const block = Buffer.alloc(1024 * 1024);
    const before = liveBuffers();
    let peak = 0;
    const pour = async (into: {
      write(bytes: Buffer): boolean;
      once(event: 'drain', done: () => void): unknown;
    }) => {
      for (let sent = 0; sent < size; sent += block.length) {
        if (!into.write(block)) await new Promise<void>((resolve) => into.once('drain', resolve));
        if (sent % (16 * block.length) === 0) peak = Math.max(peak, liveBuffers() - before);
      }
    };
    await pour(client.socket);
    await eventually(() => up >= size);
    socket!.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    await pour(socket!);
    await eventually(() => down >= size);
    expect(peak).toBeLessThan(96 * 1024 * 1024);
  });
});

describe('interim answers', () => {
  it('pass: 100 before the body is sent, 103 before the answer', async () => {
    const server = await origin((socket, soFar) => {
      if (soFar.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      if (soFar.endsWith('body'))
        socket.write(
          'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nConnection: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
        );
    });
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(
      'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    );
    expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect(server.log[0]).toContain('Expect: 100-continue\r\n');
    const answer = await client.send('body').until((text) => text.endsWith('ok'));
    expect(answer).toContain(
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nVia: 1.1 openshell-sandbox\r\n\r\nHTTP/1.1 200 OK\r\n',
    );
  });

  it('do not reach an HTTP/1.0 client', async () => {
    const server = await origin((socket) =>
      socket.end(
        'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    expect(await talk(port, 'GET http://a.test/ HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('are not needed: the server may refuse before the body is sent', async () => {
    const server = await origin((socket) => socket.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno'));
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const answer = await talk(
      port,
      'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 No\r\n[\s\S]*Connection: close\r\n[\s\S]*no$/);
  });

  it('end the connection when the server answers before it has the whole request', async () => {
    const server = await origin((socket) =>
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'),
    );
    const { port, dials } = await bench({ to: { 'a.test:80': server.port } });
    const client = new Client(port).send(
      'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 999\r\n\r\npart',
    );
    await client.until('no');
    client.send(get('/never'));
    expect(await client.end()).toMatch(/^HTTP\/1\.1 413 Too Large\r\n[\s\S]*Connection: close\r\n[\s\S]*no$/);
    expect(dials).toHaveLength(1);
  });

  it('cannot be asked for in other ways', async () => {
    const { port, dials } = await bench();
    const answer = await talk(port, get('/', 'Expect: 200-ok\r\n'));
    expect(refusalIn(answer)).toMatchObject({ status: 417, code: 'OSH-EGR-018' });
    expect(dials).toEqual([]);
  });
});
