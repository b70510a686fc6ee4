/** HTTP/2 with clients inside: each stream judged by itself, and told apart from the connection that carries it. */
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { HTTP2_LIMITS } from '../../../../src/http/limits.ts';
import { type Bench, listen, onCleanup } from '../../harness.ts';
import { handshake, inspecting, OUTSIDE, secureOrigin, tunnel } from '../secure.ts';

async function session(made: Bench): Promise<{ client: ClientHttp2Session; secure: TLSSocket }> {
  const { socket } = await tunnel(made.port);
  const { secure } = await handshake(socket, made.ca, { ALPNProtocols: ['h2'] });
  secure.removeAllListeners('data');
  const client = connectHttp2('https://a.test', { createConnection: () => secure });
  client.on('error', () => undefined);
  onCleanup(() => client.destroy());
  return { client, secure };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly code: number;
}

function ask(client: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = client.request(headers, { endStream: body === undefined });
    let answered: IncomingHttpHeaders = {};
    let text = '';
    stream.on('response', (got) => {
      answered = got;
    });
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    stream.on('error', () => undefined);
    stream.once('close', () =>
      resolve({ status: Number(answered[':status']), headers: answered, text, code: stream.rstCode }),
    );
    if (body !== undefined) stream.end(body);
  });
}

const echo = async () => {
  let text = '';
  const server = await secureOrigin((socket, received) => {
    text = received;
    const end = received.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
    if (end < 0 || received.length < end + 4 + length) return;
    socket.end(`HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok`);
  });
  return { server, seen: () => text };
};

describe('a stream', () => {
  it('is a request, and refused ones leave the others alone', async () => {
    const { server } = await echo();
    const made = await inspecting(server);
    const { client } = await session(made);
    const [good, bad, other] = await Promise.all([
      ask(client, { ':path': '/v1/a' }),
      ask(client, { ':path': '/v2/a' }),
      ask(client, { ':path': '/v1/items', ':method': 'POST', 'content-length': 3 }, 'abc'),
    ]);
    expect([good.status, good.text, good.headers['set-cookie']]).toEqual([200, 'ok', ['a=1', 'b=2']]);
    expect(bad.status).toBe(403);
    expect(JSON.parse(bad.text)).toMatchObject({ code: 'OSH-EGR-022', path: '/v2/a', method: 'GET' });
    expect(other.status).toBe(200);
    expect(client.closed).toBe(false);
    const requests = made.events.filter(({ subject }) => subject.kind === 'request');
    expect(requests.map(({ action }) => action).sort()).toEqual(['allow', 'allow', 'deny']);
  });

  it('reaches a server of HTTP/1.1 with one Host and one Cookie, and without what is of the connection', async () => {
    const { server, seen } = await echo();
    const { client } = await session(await inspecting(server));
    await ask(client, { ':path': '/v1/a', cookie: ['q=1', 'r=2'], te: 'trailers', 'x-own': 'yes' });
    expect(seen()).toMatch(/^GET \/v1\/a HTTP\/1\.1\r\n/);
    expect(seen().match(/^host: .*$/gim)).toEqual(['host: a.test']);
    expect(seen().match(/^cookie: .*$/gim)).toEqual(['cookie: q=1; r=2']);
    expect(seen()).toMatch(/x-own: yes/);
    expect(seen()).not.toMatch(/^(te|:path|:authority):?/im);
  });

  it.each([
    ['another authority', { ':authority': 'b.test' }, 'OSH-EGR-015'],
    ['another port', { ':authority': 'a.test:8443' }, 'OSH-EGR-015'],
    ['a Host that differs', { host: 'b.test' }, 'OSH-EGR-015'],
    ['another scheme', { ':scheme': 'http' }, 'OSH-EGR-014'],
    ['a path that could be read in two ways', { ':path': '/v1/..%2f..' }, 'OSH-EGR-024'],
  ])('with %s is refused, and nothing is dialled', async (_what, headers, code) => {
    const { server } = await echo();
    const made = await inspecting(server);
    const { client } = await session(made);
    const { status, text } = await ask(client, { ':path': '/v1/a', ...headers });
    expect([status, (JSON.parse(text) as { code: string }).code]).toEqual([400, code]);
    expect(server.log).toEqual([]);
    expect(made.dials).toEqual([]);
  });

  it('with a target that is no path is no request of HTTP/2', async () => {
    const { server } = await echo();
    const { client } = await session(await inspecting(server));
    const { code } = await ask(client, { ':path': 'https://b.test/v1/a' });
    expect(code).not.toBe(constants.NGHTTP2_NO_ERROR);
    expect(server.log).toEqual([]);
  });

  it('that asks for CONNECT is refused', async () => {
    const { server } = await echo();
    const { client } = await session(await inspecting(server));
    const stream = client.request({ ':method': 'CONNECT', ':authority': 'a.test:443' });
    stream.on('error', () => undefined);
    const status = await new Promise((resolve) => {
      stream.once('response', (headers) => resolve(headers[':status']));
      stream.once('close', () => resolve(null));
    });
    expect(status === 400 || status === null).toBe(true);
    expect(server.log).toEqual([]);
  });

  it('whose body is larger than any window arrives whole, and is answered', async () => {
    const size = 3_000_000;
    let received = 0;
    const server = await secureOrigin((socket, text) => {
      received = text.length;
      if (received >= size + text.indexOf('\r\n\r\n') + 4)
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const { client } = await session(await inspecting(server));
    const headers = { ':path': '/v1/items', ':method': 'POST', 'content-length': size };
    const { status, text } = await ask(client, headers, 'x'.repeat(size));
    expect([status, text]).toEqual([200, 'ok']);
  });

  it('that the client takes back takes the request to the server with it', async () => {
    const server = await secureOrigin(() => undefined);
    const { client } = await session(await inspecting(server));
    const stream = client.request({ ':path': '/v1/a' });
    stream.on('error', () => undefined);
    const until = async (condition: () => boolean): Promise<void> => {
      for (let i = 0; i < 500 && !condition(); i += 1)
        await new Promise((resolve) => setTimeout(resolve, 10));
      expect(condition()).toBe(true);
    };
    await until(() => server.log.some((text) => text.includes('/v1/a')));
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => server.open.size === 0);
    expect(client.closed).toBe(false);
  });

  it('whose server breaks off in the middle ends with an error, and not as if it were whole', async () => {
    const server = await secureOrigin((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'),
    );
    const { client } = await session(await inspecting(server));
    const { status, code } = await ask(client, { ':path': '/v1/a' });
    expect(status).toBe(200);
    expect(code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });
});

describe('a session', () => {
  it('says how many streams it takes, and that it pushes nothing', async () => {
    const { server } = await echo();
    const { client } = await session(await inspecting(server));
    if (client.remoteSettings.maxConcurrentStreams === undefined)
      await new Promise((resolve) => client.once('remoteSettings', resolve));
    expect(client.remoteSettings.maxConcurrentStreams).toBe(HTTP2_LIMITS.streams);
  });

  it('that breaks the rules is ended, and other connections are served', async () => {
    const { server } = await echo();
    const made = await inspecting(server);
    const { socket } = await tunnel(made.port);
    const { secure } = await handshake(socket, made.ca, { ALPNProtocols: ['h2'] });
    const closed = new Promise((resolve) => secure.once('close', resolve));
    secure.on('error', () => undefined);
    secure.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(4096, 0xff)]));
    await closed;
    const { client } = await session(made);
    expect((await ask(client, { ':path': '/v1/a' })).status).toBe(200);
  });

  it('has more header fields than are read: the stream is refused', async () => {
    const { server } = await echo();
    const { client } = await session(await inspecting(server));
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`x-${i}`, 'v']));
    const { status, code } = await ask(client, { ':path': '/v1/a', ...many });
    expect(status === 431 || code !== constants.NGHTTP2_NO_ERROR).toBe(true);
    expect(server.log).toEqual([]);
  });
});

it('a server that speaks nothing but HTTP/2 is spoken to so, whatever the client speaks', async () => {
  const secureContext = OUTSIDE.leafFor('a.test');
  const origin = createSecureServer({ SNICallback: (_name, done) => done(null, secureContext) });
  const paths: string[] = [];
  origin.on('stream', (stream, headers) => {
    paths.push(`${headers[':method']} ${headers[':path']} ${headers[':authority']}`);
    stream.respond({ ':status': 200, 'x-a': 'b' });
    stream.end('two');
  });
  origin.on('session', (inner) => onCleanup(() => inner.destroy()));
  const { port } = await listen((socket) => void origin.emit('connection', socket));
  const made = await inspecting({ port });
  const { client } = await session(made);
  expect(await ask(client, { ':path': '/v1/a' })).toMatchObject({ status: 200, text: 'two' });
  expect(await ask(client, { ':path': '/v1/items', ':method': 'POST' }, 'body')).toMatchObject({
    status: 200,
  });
  expect(paths).toEqual(['GET /v1/a a.test', 'POST /v1/items a.test']);
});
