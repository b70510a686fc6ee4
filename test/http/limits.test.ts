import { readFileSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { DATAGRAM_LIMITS } from '../../src/egress/datagram-limits.ts';
import { EGRESS_LIMITS } from '../../src/egress/limits.ts';
import { NAME_LIMITS } from '../../src/egress/name-limits.ts';
import { GUARD_LIMITS } from '../../src/guard/limits.ts';
import {
  BODY_LIMITS,
  HTTP2_LIMITS,
  PROXY_LIMITS,
  TLS_LIMITS,
  UPSTREAM_LIMITS,
} from '../../src/http/limits.ts';
import { WEBSOCKET_LIMITS } from '../../src/http/websocket/limits.ts';
import { INFERENCE_LIMITS } from '../../src/inference/limits.ts';
import { CREDENTIAL_LIMITS } from '../../src/inject/provider.ts';
import { answerOnce, bench, Client, eventually, onCleanup, origin, refusalIn, talk } from './harness.ts';

const CONNECT = 'CONNECT a.test:443 HTTP/1.1\r\n\r\n';
const GET = 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n';

describe('docs/limits.md', () => {
  it('lists every limit of the proxy, of TLS, of egress, of names, of datagrams, of credentials and of guardrails with its value, and no other', () => {
    const text = readFileSync('docs/limits.md', 'utf8');
    const rows = [...text.matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)].map(([, name, value]) => [
      name,
      value!.trim(),
    ]);
    const limits = [
      PROXY_LIMITS,
      WEBSOCKET_LIMITS,
      INFERENCE_LIMITS,
      TLS_LIMITS,
      BODY_LIMITS,
      UPSTREAM_LIMITS,
      HTTP2_LIMITS,
      EGRESS_LIMITS,
      NAME_LIMITS,
      DATAGRAM_LIMITS,
      GUARD_LIMITS,
      CREDENTIAL_LIMITS,
    ].flatMap((table) => Object.entries<number>(table));
    expect(rows.sort()).toEqual(limits.map(([name, value]) => [name, String(value)]).sort());
    expect(new Set(limits.map(([name]) => name)).size).toBe(limits.length);
  });
});

describe('headers', () => {
  const withHeader = (bytes: number) =>
    `GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX: ${'x'.repeat(bytes)}\r\n\r\n`;

  it('of nearly 16 KiB pass', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    expect(await new Client(port).send(withHeader(16_000)).until('hello')).toContain('hello');
  });

  it.each([
    ['of 20 KiB', () => withHeader(20_000)],
    ['of 1 MiB', () => withHeader(1024 * 1024)],
    ['of 1 MiB without an end', () => `GET http://a.test/ HTTP/1.1\r\n${'X: y\r\n'.repeat(175_000)}`],
    [
      'with a URL of 1 MiB',
      () => `GET http://a.test/${'x'.repeat(1024 * 1024)} HTTP/1.1\r\nHost: a.test\r\n\r\n`,
    ],
    ['in 200 lines', () => `GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${'X: y\r\n'.repeat(200)}\r\n`],
    ['of a CONNECT with 20 KiB', () => `CONNECT a.test:443 HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['of a CONNECT in 200 lines', () => `CONNECT a.test:443 HTTP/1.1\r\n${'X: y\r\n'.repeat(200)}\r\n`],
  ])('%s get 431 with the refusal body', async (_what, request) => {
    const { port, events, dials } = await bench();
    const answer = await talk(port, request());
    expect(refusalIn(answer)).toMatchObject({ status: 431, code: 'OSH-EGR-016' });
    expect(events).toMatchObject([{ type: 'denial', reason: 'request_too_large' }]);
    expect(dials).toEqual([]);
  });

  it('are seen to the last one: a framing header behind many others counts', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port } });
    const many = 'X: y\r\n'.repeat(100);
    const request = `POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n${many}Content-Length: 3\r\n\r\nabc`;
    await new Client(port).send(request).until('hello');
    expect(server.log[0]).toMatch(/Content-Length: 3\r\n[\s\S]*\r\n\r\nabc$/);
  });
});

describe('time', () => {
  it('for a header section is limited: a slow client gets 408', async () => {
    const { port, events } = await bench({ limits: { headerMs: 120 } });
    const client = new Client(port);
    const drip = setInterval(() => client.send('X: y\r\n'), 20);
    onCleanup(() => clearInterval(drip));
    client.send('GET http://a.test/ HTTP/1.1\r\n');
    expect(refusalIn(await client.end())).toMatchObject({ status: 408, code: 'OSH-EGR-017' });
    expect(events).toHaveLength(1);
  });

  it('for a header section is limited on a connection that has served before', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port }, limits: { headerMs: 120 } });
    const client = new Client(port).send(GET);
    await client.until('hello');
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.received = '';
    expect(refusalIn(await client.send('GET http').end())).toMatchObject({ status: 408 });
  });

  it('of silence before the first request is limited, without an answer or an event', async () => {
    const { port, events } = await bench({ limits: { keepAliveMs: 120 } });
    expect(await new Client(port).end()).toBe('');
    expect(events).toEqual([]);
  });

  it('of silence between requests is limited', async () => {
    const server = await origin();
    const { port } = await bench({ to: { 'a.test:80': server.port }, limits: { keepAliveMs: 120 } });
    expect(await new Client(port).send(GET).end()).toMatch(/hello$/);
  });

  it('is not limited for a server that thinks', async () => {
    const server = await origin((socket, soFar) => setTimeout(() => answerOnce('late')(socket, soFar), 400));
    const { port } = await bench({
      to: { 'a.test:80': server.port },
      limits: { headerMs: 100, keepAliveMs: 100 },
    });
    expect(await new Client(port).send(GET).until('late')).toContain('late');
  });

  it('is not limited for a body that comes slowly', async () => {
    const server = await origin();
    const { port } = await bench({
      to: { 'a.test:80': server.port },
      limits: { headerMs: 80, keepAliveMs: 80 },
    });
    const client = new Client(port).send(
      'POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 6\r\n\r\n',
    );
    for (const c of 'abcdef') {
      await new Promise((resolve) => setTimeout(resolve, 60));
      client.send(c);
    }
    expect(await client.until('hello')).toContain('hello');
  });

  it('to dial is limited', async () => {
    const { port } = await bench({ egress: { dialMs: 150 }, start: () => new Socket() });
    const answer = await talk(port, 'CONNECT a.test:443 HTTP/1.1\r\n\r\n');
    expect(refusalIn(answer)).toMatchObject({ status: 502, code: 'OSH-EGR-011' });
  });
});

describe('connections', () => {
  it('over the limit get 503 and an event; places become free again', async () => {
    const server = await origin(() => undefined);
    const { port, events } = await bench({ to: { 'a.test:443': server.port }, limits: { connections: 3 } });
    const open = [new Client(port), new Client(port), new Client(port)];
    for (const client of open) await client.send(CONNECT).until('Established');
    const answer = await new Client(port).end();
    expect(refusalIn(answer)).toMatchObject({
      status: 503,
      error: 'too_many_connections',
      code: 'OSH-EGR-020',
    });
    expect(events.at(-1)).toMatchObject({
      type: 'denial',
      reason: 'too_many_connections',
      subject: { kind: 'limit', limit: 'proxy_connections', value: 3 },
      process: { exe: '/usr/bin/curl' },
    });
    open[0]!.socket.destroy();
    await eventually(() => server.open.size === 2);
    expect(await new Client(port).send(CONNECT).until('Established')).toContain('Established');
  });

  it('far over the limit are closed without an answer, and still counted', async () => {
    const { port, events } = await bench({
      limits: { connections: 0, surplusConnections: 1, lingerMs: 5000 },
    });
    const first = new Client(port);
    first.socket.removeAllListeners('end');
    await first.until('503');
    const second = new Client(port);
    expect(await second.end()).toBe('');
    expect(events).toHaveLength(2);
  });

  it('may pipeline a few requests, not many', async () => {
    const server = await origin(() => undefined);
    const { port, dials } = await bench({ to: { 'a.test:80': server.port }, limits: { pipelined: 2 } });
    const client = new Client(port).send(GET.repeat(2000));
    await eventually(() => server.open.size === 1);
    expect(dials).toHaveLength(1);
    for (const socket of server.open) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    await eventually(() => server.log.length === 2);
    for (const socket of server.open) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    const answer = await client.end();
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 503']);
    expect(dials).toHaveLength(2);
  });

  it('that send rubbish get 400 and an event, and reach nothing', async () => {
    const { port, events, dials } = await bench();
    for (const [bytes, code] of [
      ['\0\x01\x02\xff'.repeat(100), 'OSH-EGR-014'],
      ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'OSH-EGR-019'],
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'OSH-EGR-019'],
      ['EHLO there\r\n', 'OSH-EGR-014'],
      ['\x05\x01\x00', 'OSH-EGR-014'],
    ] as const)
      expect(refusalIn(await talk(port, bytes))).toMatchObject({ status: 400, code });
    expect(events).toHaveLength(5);
    expect(dials).toEqual([]);
  });

  it('that end in the middle of a request leave nothing behind', async () => {
    const { port, events } = await bench();
    const client = new Client(port).send('GET http://a.test/ HT');
    client.socket.end();
    await client.end();
    expect(events).toEqual([]);
  });

  it('that are refused get the answer although they go on sending', async () => {
    const { port } = await bench();
    const client = new Client(port);
    client.send('POST http://b.test/ HTTP/1.1\r\nHost: b.test\r\nContent-Length: 50000000\r\n\r\n');
    const pump = setInterval(() => client.socket.writable && client.socket.write(Buffer.alloc(100_000)), 1);
    onCleanup(() => clearInterval(pump));
    expect(refusalIn(await client.until((text) => text.endsWith('}\n')))).toMatchObject({ status: 403 });
    await client.end();
  });

  it('are all closed when the proxy is closed', async () => {
    const server = await origin(() => undefined);
    const { port, proxy } = await bench({ to: { 'a.test:443': server.port } });
    const clients = [new Client(port), new Client(port).send('GET ht'), new Client(port).send(CONNECT)];
    await clients[2]!.until('Established');
    await proxy.close();
    for (const client of clients) await client.end();
    await eventually(() => server.open.size === 0);
    const late = connect(port, '127.0.0.1');
    await new Promise((resolve) => late.once('error', resolve));
  });
});

describe('many idle tunnels', () => {
  it('cost little memory each', async () => {
    const count = 400;
    const server = await origin(() => undefined);
    const { port } = await bench({ to: { 'a.test:443': server.port } });
    const before = process.memoryUsage();
    for (let i = 0; i < count; i += 50) {
      const batch = Array.from({ length: 50 }, () => new Client(port).send(CONNECT));
      await Promise.all(batch.map((client) => client.until('Established')));
    }
    const after = process.memoryUsage();
    const each = (after.heapUsed + after.external - before.heapUsed - before.external) / count;
    // Proxy, client and origin together: six sockets' worth of objects.
    expect(each).toBeLessThan(100_000);
  });
});
