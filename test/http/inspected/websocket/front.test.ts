import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { eventually, listen, onCleanup, origin, refusalIn } from '../../harness.ts';
import { rules, serving } from './serving.ts';

/** An echo by ws, and what it has seen. */
async function echo(onRequest: (headers: Record<string, unknown>, url?: string) => void = () => undefined) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
  await new Promise((resolve) => server.once('listening', resolve));
  const seen: string[] = [];
  server.on('connection', (socket, asked) => {
    onRequest(asked.headers, asked.url);
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => {
      seen.push(String(data));
      socket.send(data, { binary: isBinary });
    });
    socket.on('close', (code) => seen.push(`close ${code}`));
  });
  onCleanup(() => {
    for (const socket of server.clients) socket.terminate();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

function client(port: number, path = '/chat?a=1') {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { Host: 'a.test' },
    origin: 'https://o.test',
  });
  const seen: string[] = [];
  socket.on('open', () => seen.push('open'));
  socket.on('message', (data: RawData) => seen.push(String(data)));
  socket.on('close', (code, reason) => seen.push(`close ${code} ${reason}`));
  socket.on('error', (error) => seen.push(error.message));
  onCleanup(() => socket.terminate());
  return { socket, seen };
}

/** Bytes in, bytes out, until the other side closes. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  onCleanup(() => socket.destroy());
  socket.write(text);
  await eventually(() => socket.readableEnded || socket.destroyed);
  return received;
}

const ASK = [
  'GET /chat HTTP/1.1',
  'Host: a.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
const ask = (...more: string[]): string => `${[...ASK, ...more].join('\r\n')}\r\n\r\n`;

describe('a WebSocket', () => {
  it('is opened at the server with what the client sent, and carries text both ways', async () => {
    const asked: unknown[] = [];
    const server = await echo((headers, url) => asked.push(url, headers));
    const { port, events } = await serving(server.port);
    const { socket, seen } = client(port);
    await eventually(() => seen.length === 1);
    socket.send('hello');
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['open', 'hello']);
    expect(asked).toMatchObject([
      '/chat?a=1',
      { host: 'a.test', origin: 'https://o.test', 'sec-websocket-version': '13' },
    ]);
    expect(Object.keys(asked[1] as object).sort()).toEqual([
      ...[
        'connection',
        'host',
        'origin',
        'sec-websocket-extensions',
        'sec-websocket-key',
        'sec-websocket-version',
      ],
      'upgrade',
    ]);
    expect(events.map(({ action, subject }) => [action, (subject as { method: string }).method])).toEqual([
      ['allow', 'GET'],
      ['allow', 'WEBSOCKET_TEXT'],
    ]);
    socket.close(4000, 'bye');
    await eventually(() => seen.length === 3 && server.seen.length === 2);
    expect(seen[2]).toBe('close 4000 bye');
    expect(server.seen).toEqual(['hello', 'close 4000']);
  });

  it('is closed with 1012 when the policy does not allow it any more, and stays when it does', async () => {
    const server = await echo();
    const { port, useIndex } = await serving(server.port);
    const { socket, seen } = client(port);
    await eventually(() => seen.length === 1);
    useIndex(rules(['* /chat']));
    socket.send('still');
    await eventually(() => seen.length === 2);
    useIndex(rules(['GET /other']));
    await eventually(() => seen.length === 3);
    expect(seen).toEqual(['open', 'still', 'close 1012 the policy has changed']);
  });

  it('has its next message judged by the new policy', async () => {
    const server = await echo();
    const { port, useIndex } = await serving(server.port);
    const { socket, seen } = client(port);
    await eventually(() => seen.length === 1);
    useIndex(rules(['GET /**']));
    socket.send('no longer');
    await eventually(() => seen.length === 2);
    expect(seen[1]).toMatch(/^close 1008 OSH-EGR-022 no rule of policy `chat` allows WEBSOCKET_TEXT/);
    await eventually(() => server.seen.length === 1);
    expect(server.seen).toEqual(['close 1001']);
  });

  it.each([
    ['breaks the protocol', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002, 'malformed_request'],
    ['sends too much', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]), 1009, 'body_too_large'],
  ])('whose client %s leaves one event', async (_what, bytes, code, reason) => {
    const server = await echo();
    const { port, events } = await serving(server.port);
    const { socket, seen } = client(port);
    await eventually(() => seen.length === 1);
    (socket as unknown as { _socket: Socket })._socket.write(bytes);
    await eventually(() => events.length === 2);
    expect(seen[1]).toMatch(new RegExp(`^close ${code} `));
    expect(server.seen).toEqual(['close 1001']);
    expect(events[1]).toMatchObject({
      type: 'denial',
      reason,
      subject: { method: 'WEBSOCKET_TEXT', path: '/chat' },
    });
  });

  it('leaves nothing open when its client is gone', async () => {
    const server = await echo();
    const { port } = await serving(server.port);
    const { socket, seen } = client(port);
    await eventually(() => seen.length === 1);
    socket.terminate();
    await eventually(() => server.seen.length === 1);
    expect(server.seen).toEqual(['close 1006']);
  });
});

describe('a request for a WebSocket', () => {
  it.each<[string, string, number, string]>([
    ['is not well-formed', ask('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='), 400, 'OSH-EGR-014'],
    ['is not allowed', ask().replace('/chat', '/../secret/%2e%2e'), 400, 'OSH-EGR-024'],
    ['is for another method', ask().replace('GET', 'POST'), 403, 'OSH-EGR-022'],
  ])('that %s reaches no server', async (_what, text, status, code) => {
    const server = await origin();
    const { port, events } = await serving(server.port);
    expect(refusalIn(await raw(port, text))).toMatchObject({ status, code });
    expect(events).toMatchObject([{ type: 'denial', subject: { kind: 'request' } }]);
    expect(server.log).toEqual([]);
  });

  it('to a rest endpoint is refused, even where that only audits', async () => {
    const server = await origin();
    const { port, events } = await serving(server.port, ['* **'], 'rest');
    const refusal = refusalIn(await raw(port, ask()));
    expect(refusal).toMatchObject({ status: 403, code: 'OSH-EGR-022' });
    expect(refusal).toMatchObject({ reason: expect.stringContaining('protocol: websocket') });
    expect(events).toMatchObject([
      { type: 'denial', reason: 'request_not_allowed', rule: { policy: 'chat' } },
    ]);
    expect(server.log).toEqual([]);
  });

  it.each<[string, string]>([
    ['accepts another key', 'Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['accepts no key', 'X: y'],
    [
      'agrees to what was not offered',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: x-new',
    ],
  ])('is answered 502 when the server %s', async (_what, header) => {
    const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${header}\r\n\r\n`;
    const server = await origin((socket) => socket.write(answer));
    const { port } = await serving(server.port);
    expect(refusalIn(await raw(port, ask()))).toMatchObject({ status: 502, code: 'OSH-EGR-021' });
    await eventually(() => server.open.size === 0);
  });

  it('is answered as the server answers when that declines', async () => {
    const server = await origin((socket) =>
      socket.write('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nno!\n'),
    );
    const { port } = await serving(server.port);
    const answer = await raw(port, ask());
    expect(answer).toMatch(
      /^HTTP\/1\.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno!\n$/,
    );
    await eventually(() => server.open.size === 0);
  });

  it('is answered 502 when there is no server, or it hangs up', async () => {
    const { port: gone, server } = await listen(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    expect(refusalIn(await raw((await serving(gone)).port, ask()))).toMatchObject({
      status: 502,
      code: 'OSH-EGR-011',
    });
    const rude = await origin((socket) => socket.destroy());
    const { port, defects } = await serving(rude.port);
    expect(refusalIn(await raw(port, ask()))).toMatchObject({ status: 502, code: 'OSH-EGR-021' });
    expect(defects).toEqual([]);
  });
});
