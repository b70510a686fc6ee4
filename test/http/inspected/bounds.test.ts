import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { liveBuffers } from '../../support/memory.ts';
import { type Bench, Client, eventually, listen, onCleanup, origin, refusalIn } from '../harness.ts';
import { handshake, inspecting, secureClient, secureOrigin, secureTalk, tunnel } from './secure.ts';

const GET = 'GET /v1/a HTTP/1.1\r\nHost: a.test\r\n\r\n';
const POST = 'POST /v1/items HTTP/1.1\r\nHost: a.test\r\n';
const MIB = 1024 * 1024;

/** Whether another client is still served. */
async function servedBy(made: Bench): Promise<boolean> {
  const { client } = await secureClient(made);
  return (await client.send(GET).until('hello')).includes('hello');
}

/** MiB that may be what the collector has not come to yet. */
const SUSPICIOUS = 16;

/** How much memory outside of the heap grows beyond what it was at first, in MiB. */
function growth(): () => number {
  const first = liveBuffers() / MIB;
  return () => {
    const rough = process.memoryUsage().arrayBuffers / MIB - first;
    return rough < SUSPICIOUS ? rough : liveBuffers() / MIB - first;
  };
}

describe('bodies', () => {
  const chunk = Buffer.alloc(MIB, 'x');

  it('of 256 MiB come from a server that is not read faster than its client reads', async () => {
    const total = 256;
    let written = 0;
    const { port } = await listen((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total * MIB}\r\n\r\n`);
        const more = (): void => {
          while (written < total) {
            written += 1;
            if (!socket.write(chunk)) return void socket.once('drain', more);
          }
        };
        more();
      });
    });
    const made = await inspecting({ port });
    const { socket } = (await tunnel(made.port, 'a.test:80')).send(GET);
    socket.removeAllListeners('data');
    const grown = growth();
    socket.pause();
    let last = -1;
    await eventually(() => {
      const still = written === last && written > 0;
      last = written;
      return still;
    });
    expect(written).toBeLessThan(32);
    expect(grown()).toBeLessThan(48);
    let received = 0;
    let most = 0;
    socket.on('data', (bytes) => {
      received += bytes.length;
      most = Math.max(most, grown());
    });
    socket.resume();
    await eventually(() => received > total * MIB);
    expect(most).toBeLessThan(96);
  });

  it('of 256 MiB go to a server that reads when it likes', async () => {
    const total = 256;
    let received = 0;
    let server: Socket | undefined;
    const { port } = await listen((socket) => {
      server = socket;
      socket.on('data', (bytes) => {
        if (received === 0) socket.pause();
        received += bytes.length;
        if (received > total * MIB) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      });
    });
    const made = await inspecting({ port });
    const client = (await tunnel(made.port, 'a.test:80')).send(
      `${POST}Content-Length: ${total * MIB}\r\n\r\n`,
    );
    const grown = growth();
    let written = 0;
    const more = (): void => {
      while (written < total) {
        written += 1;
        if (!client.socket.write(chunk)) return void client.socket.once('drain', more);
      }
    };
    more();
    await eventually(() => server !== undefined);
    let last = -1;
    await eventually(() => {
      const still = written === last;
      last = written;
      return still;
    });
    expect(written).toBeLessThan(32);
    expect(grown()).toBeLessThan(48);
    server!.resume();
    expect(await client.until('204')).toContain('204');
  });

  it('with a chunk of 4 GiB are waited for, and hold nothing', async () => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    const grown = growth();
    client.send(`${POST}Transfer-Encoding: chunked\r\n\r\nffffffff\r\nabc`);
    await eventually(() => server.log[0]?.includes('abc') === true);
    expect(grown()).toBeLessThan(16);
    client.socket.destroy();
    await eventually(() => server.open.size <= 1);
  });

  it('that come slowly disturb nobody', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server, { limits: { headerMs: 80, keepAliveMs: 80 } });
    const { client } = await secureClient(made);
    client.send(`${POST}Content-Length: 5\r\n\r\n`);
    for (const c of 'abcd') {
      await new Promise((resolve) => setTimeout(resolve, 60));
      client.send(c);
    }
    expect(await servedBy(made)).toBe(true);
    expect(await client.send('e').until('hello')).toContain('hello');
  });
});

describe('header sections', () => {
  it.each([
    ['of 20 KiB', () => `GET /v1/a HTTP/1.1\r\nHost: a.test\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['of 1 MiB without an end', () => `GET /v1/a HTTP/1.1\r\nHost: a.test\r\n${'X: y\r\n'.repeat(175_000)}`],
    ['in 200 lines', () => `GET /v1/a HTTP/1.1\r\nHost: a.test\r\n${'X: y\r\n'.repeat(200)}\r\n`],
    ['with a target of 1 MiB', () => `GET /v1/${'x'.repeat(MIB)} HTTP/1.1\r\nHost: a.test\r\n\r\n`],
  ])('%s get 431', async (_what, request) => {
    const server = await secureOrigin();
    const made = await inspecting(server);
    expect(refusalIn(await secureTalk(made, request()))).toMatchObject({ status: 431, code: 'OSH-EGR-016' });
    expect(made.events).toHaveLength(2);
    expect(server.log).toEqual([]);
    expect(await servedBy(made)).toBe(true);
  });

  it('of chunk extensions without an end get 431, or are cut short', async () => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server);
    const answer = await secureTalk(
      made,
      `${POST}Transfer-Encoding: chunked\r\n\r\n3;${'x'.repeat(100_000)}`,
    );
    expect(refusalIn(answer)).toMatchObject({ status: 431, code: 'OSH-EGR-016' });
  });

  it('of trailers without an end are refused', async () => {
    const server = await secureOrigin(() => undefined);
    const made = await inspecting(server);
    const answer = await secureTalk(
      made,
      `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(20_000)}`,
    );
    expect(refusalIn(answer)).toMatchObject({ status: 431 });
  });

  it('that come slowly get 408, also on a connection that has served before', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server, { limits: { headerMs: 150 } });
    const { client } = await secureClient(made);
    await client.send(GET).until('hello');
    client.received = '';
    const drip = setInterval(() => client.send('X'), 20);
    onCleanup(() => clearInterval(drip));
    expect(refusalIn(await client.send('GET /').end())).toMatchObject({ status: 408, code: 'OSH-EGR-017' });
  });
});

describe('silence', () => {
  it('between requests ends the connection, without an event', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server, { limits: { keepAliveMs: 120 } });
    const { client } = await secureClient(made);
    expect(await client.send(GET).end()).toMatch(/hello$/);
    expect(made.events).toHaveLength(2);
  });

  it('after the handshake ends the connection', async () => {
    const made = await inspecting({ port: 1 }, { limits: { keepAliveMs: 120 } });
    const { client } = await secureClient(made);
    expect(await client.end()).toBe('');
    expect(made.events).toHaveLength(1);
  });

  it('of a server is not limited', async () => {
    const server = await secureOrigin((socket) =>
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate'), 400),
    );
    const made = await inspecting(server, {
      limits: { keepAliveMs: 100, headerMs: 100 },
      upstreamLimits: { upstreamIdleMs: 50 },
    });
    const { client } = await secureClient(made);
    expect(await client.send(GET).until('late')).toContain('late');
  });

  it('of events that a server sends now and then is passed on as it is', async () => {
    let out: Socket | undefined;
    const server = await secureOrigin((socket) => {
      out = socket;
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
      );
    });
    const made = await inspecting(server);
    const { client } = await secureClient(made);
    await client.send(GET).until('\r\n\r\n');
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      out!.write(`${text.length.toString(16)}\r\n${text}\r\n`);
      await client.until(text);
    }
    out!.write('0\r\n\r\n');
    expect(await client.until('0\r\n\r\n')).toContain('data: 2');
  });
});

describe('a thousand connections', () => {
  it('that are idle inside TLS cost little, and one more is served', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server, { limits: { connections: 1100, keepAliveMs: 600_000 } });
    const idle: Socket[] = [];
    onCleanup(() => {
      for (const socket of idle) socket.destroy();
    });
    for (let i = 0; i < 50; i += 1)
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const { socket } = await tunnel(made.port);
          const { secure } = await handshake(socket, made.ca);
          idle.push(secure);
        }),
      );
    expect(idle.filter(({ destroyed }) => destroyed)).toEqual([]);
    expect(await servedBy(made)).toBe(true);
    expect(made.dials).toHaveLength(1);
  }, 120_000);

  it('that begin a hello and stop are left after a while, and one more is served meanwhile', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server, { limits: { connections: 1100, headerMs: 1500 } });
    const half = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const client = await tunnel(made.port);
        client.socket.write(Buffer.from([0x16, 3, 1, 2]));
        return client;
      }),
    );
    expect(await servedBy(made)).toBe(true);
    await Promise.all(half.map((client) => client.end()));
    expect(made.events.filter(({ action }) => action === 'deny')).toHaveLength(300);
  });

  it('beyond the limit get 503 before they are looked at', async () => {
    const made = await inspecting({ port: 1 }, { limits: { connections: 3 } });
    const open = [];
    for (let i = 0; i < 3; i += 1) open.push(await secureClient(made));
    expect(refusalIn(await new Client(made.port).end())).toMatchObject({ status: 503, code: 'OSH-EGR-020' });
    open[0]!.client.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await secureClient(made)).secure.authorized).toBe(true);
  });
});

describe('a hostile client', () => {
  it('that opens and breaks off at every stage does not hold anything', async () => {
    const server = await secureOrigin();
    const made = await inspecting(server, { upstreamLimits: { upstreamIdleMs: 100 } });
    const stages: ((socket: Socket) => void)[] = [
      (socket) => socket.destroy(),
      (socket) => void socket.write('CONNECT a.test:443 HTTP/1.1\r\n\r\n', () => socket.destroy()),
      (socket) => void socket.write(`CONNECT a.test:80 HTTP/1.1\r\n\r\n${GET}`, () => socket.destroy()),
      (socket) =>
        void socket.write(`CONNECT a.test:80 HTTP/1.1\r\n\r\n${POST}Content-Length: 9\r\n\r\nabc`, () =>
          socket.resetAndDestroy(),
        ),
      (socket) =>
        void socket.write('CONNECT a.test:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x02\0\x01', () => socket.end()),
    ];
    for (let round = 0; round < 20; round += 1)
      for (const stage of stages) {
        const socket = connect(made.port, '127.0.0.1', () => stage(socket)).resume();
        socket.on('error', () => undefined);
        await new Promise((resolve) => socket.once('close', resolve));
      }
    expect(await servedBy(made)).toBe(true);
    await eventually(() => server.open.size === 0);
  });

  it('that pipelines without reading is not served without end', async () => {
    const body = 'x'.repeat(60_000);
    const server = await origin((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    );
    const made = await inspecting(server);
    const client = await tunnel(made.port, 'a.test:80');
    client.socket.removeAllListeners('data');
    client.socket.pause();
    const grown = growth();
    client.send(GET.repeat(5000));
    let last = -1;
    await eventually(() => {
      const still = made.events.length === last && last > 1;
      last = made.events.length;
      return still;
    });
    expect(grown()).toBeLessThan(48);
    expect(made.events.length).toBeLessThan(2000);
  });
});
