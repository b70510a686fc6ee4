import { describe, expect, it } from 'vitest';
import { bench, Client, eventually, origin } from './harness.ts';

const CONNECT = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n';
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';
const echo = (socket: { write(text: string): unknown }, soFar: string) => socket.write(`<${soFar}>`);

describe('a tunnel', () => {
  const open = async (behave = echo as Parameters<typeof origin>[0], limits = {}) => {
    const server = await origin(behave);
    const made = await bench({ to: { 'a.test:443': server.port }, limits });
    const client = new Client(made.port).send(CONNECT);
    await client.until(ESTABLISHED);
    await eventually(() => server.open.size === 1);
    return { ...made, server, client };
  };

  it("passes on the end of the client's direction and keeps the other open", async () => {
    const { server, client } = await open(() => undefined);
    const [socket] = server.open;
    socket!.removeAllListeners('end');
    const ended = new Promise((resolve) => socket!.once('end', resolve));
    client.send('all').socket.end();
    await ended;
    socket!.end('late answer');
    expect(await client.end()).toBe(`${ESTABLISHED}late answer`);
    expect(server.log).toEqual(['all']);
  });

  it("passes on the end of the server's direction and keeps the other open", async () => {
    const { server, client } = await open(() => undefined);
    client.socket.removeAllListeners('end');
    const ended = new Promise((resolve) => client.socket.once('end', resolve));
    for (const socket of server.open) socket.end('bye');
    await ended;
    client.socket.end('still here');
    await eventually(() => server.log[0] === 'still here');
  });

  it.each(['client', 'server'])('closes both sides when the %s breaks off', async (side) => {
    const { server, client } = await open(() => undefined);
    const [socket] = server.open;
    if (side === 'client') client.socket.resetAndDestroy();
    else socket!.resetAndDestroy();
    await eventually(() => client.closed && server.open.size === 0);
  });

  it('closes after silence when that is limited, and not before', async () => {
    const { client } = await open(echo, { tunnelIdleMs: 150 });
    client.send('x');
    await client.end();
    expect(client.received).toBe(`${ESTABLISHED}<x>`);
  });

  it('stops reading from one side while the other does not read', async () => {
    const { server, client } = await open(() => undefined);
    client.socket.pause();
    const [socket] = server.open;
    let written = 0;
    const block = Buffer.alloc(64 * 1024);
    // What the kernel and the proxy hold is far below what an unbounded relay would take.
    for (let i = 0; i < 4000; i += 1) {
      written += block.length;
      if (!socket!.write(block)) {
        const drained = await Promise.race([
          new Promise((resolve) => socket!.once('drain', () => resolve(true))),
          new Promise((resolve) => setTimeout(() => resolve(false), 300)),
        ]);
        if (drained === false) break;
      }
    }
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  it('carries 64 MiB unchanged', async () => {
    const { server, client } = await open(() => undefined);
    const [socket] = server.open;
    socket!.removeAllListeners('data');
    socket!.pipe(socket!);
    const total = 64 * 1024 * 1024;
    client.socket.removeAllListeners('data');
    let received = 0;
    let wrong = 0;
    client.socket.on('data', (bytes: Buffer) => {
      for (let i = 0; i < bytes.length; i += 4096) if (bytes[i] !== ((received + i) >> 16) % 251) wrong += 1;
      received += bytes.length;
    });
    for (let sent = 0; sent < total; sent += 65_536)
      if (!client.socket.write(Buffer.alloc(65_536, (sent >> 16) % 251)))
        await new Promise((resolve) => client.socket.once('drain', resolve));
    client.socket.end();
    await eventually(() => received === total);
    expect(wrong).toBe(0);
  });

  it('can be closed by what it carries', async () => {
    const { proxy, client, server } = await open();
    expect(proxy.closeConnections(({ host }) => host === 'other.test')).toBe(0);
    expect(
      proxy.closeConnections(
        ({ host, port, rule, identity: who, clientPort }) =>
          host === 'a.test' &&
          port === 443 &&
          rule.policy === 'site' &&
          who.executable.path === '/usr/bin/curl' &&
          clientPort === client.socket.localPort,
      ),
    ).toBe(1);
    await client.end();
    await eventually(() => server.open.size === 0);
  });
});
