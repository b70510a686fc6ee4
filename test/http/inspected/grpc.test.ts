/** gRPC through the proxy: a client and a server of node:http2 that speak its frames. */
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, it } from 'vitest';
import type { GrpcRules } from '../../../src/plan/messages.ts';
import { GRPC } from '../../inspect/bodies.ts';
import { onCleanup } from '../harness.ts';
import { secureSite } from './asking.ts';

const RULES: GrpcRules = {
  ...GRPC,
  allow: [{ index: 0, line: 300, service: 'echo.Echo', method: '*' }],
  deny: [{ index: 0, line: 400, service: '**', method: 'Drop' }],
};

/** A length-prefixed message. */
const frame = (text: string): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
};

/** Sends back each piece as it comes, and then its status in trailers. */
function echo(stream: ServerHttp2Stream): void {
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
  stream.on('data', (chunk: Buffer) => stream.write(chunk));
  stream.on('end', () => stream.end());
}

async function session(paths: string[]): Promise<{ client: ClientHttp2Session; events: unknown[] }> {
  const { port, ca, events } = await secureSite(RULES, (secureContext) => {
    const server = createSecureServer({ SNICallback: (_name, done) => done(null, secureContext) });
    server.on('session', (inner) => onCleanup(() => inner.destroy()));
    server.on('stream', (stream, headers) => {
      paths.push(headers[':path']!);
      echo(stream);
    });
    return server;
  });
  const socket = connect(port, '127.0.0.1');
  socket.write('CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  const secure = connectTls({ socket, ca, servername: 'a.test', ALPNProtocols: ['h2'] });
  await new Promise((resolve) => secure.once('secureConnect', resolve));
  const client = connectHttp2('https://a.test', { createConnection: () => secure });
  client.on('error', () => undefined);
  onCleanup(() => client.destroy());
  return { client, events };
}

interface Called {
  readonly head: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders | null;
  readonly text: string;
}

function call(
  client: ClientHttp2Session,
  path: string,
  send: (write: (text: string) => void, answered: () => Promise<void>) => Promise<void>,
  type = 'application/grpc',
): Promise<Called> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':method': 'POST', ':path': path, 'content-type': type, te: 'trailers' });
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | null = null;
    let text = '';
    let wake = (): void => undefined;
    stream.on('response', (headers) => {
      head = headers;
    });
    stream.on('trailers', (headers) => {
      trailers = headers;
    });
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      wake();
    });
    stream.on('error', reject);
    stream.on('close', () => resolve({ head, trailers, text }));
    const answered = (): Promise<void> =>
      new Promise((done) => {
        wake = done;
      });
    void send((message) => stream.write(frame(message)), answered).then(() => stream.end());
  });
}

it('brings an allowed method, its messages one by one, and its trailers', async () => {
  const paths: string[] = [];
  const { client, events } = await session(paths);
  const unary = await call(client, '/echo.Echo/Say', async (write) => write('hello'));
  expect(unary.head).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' });
  expect(unary.text).toBe(frame('hello').toString('latin1'));
  expect(unary.trailers).toMatchObject({ 'grpc-status': '0', 'grpc-message': 'fine' });
  const streamed = await call(client, '/echo.Echo/Chat', async (write, answered) => {
    for (const message of ['one', 'two', 'three']) {
      const back = answered();
      write(message);
      // The next is sent only when the answer to this one is there: nothing is held back for a decision.
      await back;
    }
  });
  expect(streamed.text).toBe(['one', 'two', 'three'].map((text) => frame(text).toString('latin1')).join(''));
  expect(paths).toEqual(['/echo.Echo/Say', '/echo.Echo/Chat']);
  expect(events.at(-1)).toMatchObject({
    action: 'allow',
    rule: { line: 300 },
    subject: { asked: ['echo.Echo/Chat'] },
  });
});

it.each([
  ['another service', '/admin.Users/List', undefined, '7', 'OSH-EGR-022'],
  ['a denied method', '/echo.Echo/Drop', undefined, '7', 'OSH-EGR-023'],
  ['what is no method', '/echo.Echo', undefined, '3', 'OSH-EGR-047'],
  ['what is no gRPC', '/echo.Echo/Say', 'application/json', '3', 'OSH-EGR-047'],
])('answers %s with a status, and the session goes on', async (_, path, type, status, code) => {
  const paths: string[] = [];
  const { client } = await session(paths);
  const { head, text } = await call(client, path, async (write) => write('x'), type);
  expect(head).toMatchObject({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status });
  expect(head['grpc-message']).toContain(`[${code}]`);
  expect(text).toBe('');
  expect(paths).toEqual([]);
  const next = await call(client, '/echo.Echo/Say', async (write) => write('hello'));
  expect(next.trailers).toMatchObject({ 'grpc-status': '0' });
});
