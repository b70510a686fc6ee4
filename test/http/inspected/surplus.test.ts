import { describe, expect, it } from 'vitest';
import { eventually, listen, origin } from '../harness.ts';
import { inspecting, secureClient, secureOrigin, tunnel } from './secure.ts';

const GET = 'GET /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n';

describe('connections whose requests are looked at', () => {
  it('INV-09 have a bound of their own, below that of all; those beyond it are told', async () => {
    const made = await inspecting(await secureOrigin(), { limits: { inspectedConnections: 2 } });
    const first = await secureClient(made);
    const second = await secureClient(made);
    const third = await secureClient(made);
    expect(await third.client.send(GET).end()).toMatch(
      /^HTTP\/1\.1 503 .*\r\n[\s\S]*"2 connections are open"/,
    );
    const limit = { kind: 'limit', limit: 'proxy_connections', value: 2 };
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'denial', subject: limit }));
    for (const { client } of [first, second])
      expect(await client.send(GET).until('hello')).toContain('hello');
    first.secure.destroy();
    await eventually(() => first.secure.closed);
    const fourth = await secureClient(made);
    expect(await fourth.client.send(GET).until('hello')).toContain('hello');
  });
});

describe('the head of an answer', () => {
  it('does not wait for a body that comes later', async () => {
    let finish: (() => void) | null = null;
    const { port } = await listen((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\n');
        finish = () => socket.write('data');
      });
    });
    const client = (await tunnel((await inspecting({ port })).port, 'a.test:80')).send(GET);
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/);
    finish!();
    expect(await client.until('data')).toMatch(/\r\n\r\ndata$/);
  });

  it('comes with a body that is there, whole and in order, for each of several requests at once', async () => {
    const server = await origin((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
    );
    const made = await inspecting(server);
    const client = (await tunnel(made.port, 'a.test:80')).send(GET.repeat(5));
    const text = await client.until((received) => received.split('hello').length > 5);
    expect(text.match(/HTTP\/1\.1 200 OK\r\nContent-Length: 5\r\n[\s\S]*?\r\n\r\nhello/g)).toHaveLength(5);
  });
});
