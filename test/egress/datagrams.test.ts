import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { addressBytes, parseAddress } from '../../src/base/address.ts';
import { DATAGRAM_LIMITS, type DatagramLimits } from '../../src/egress/datagram-limits.ts';
import { DatagramRelay } from '../../src/egress/datagrams.ts';
import { type MakeInnerSocket, serveInside } from '../../src/egress/inner-socket.ts';
import type { Standing } from '../../src/egress/standing.ts';

const HERE = parseAddress('127.0.0.1')!;
const ANY = parseAddress('0.0.0.0')!;
const standing = (host: string): Standing => ({
  host: { text: host, address: null },
  port: 123,
  address: HERE,
  identity: { pid: 1, executable: { path: '/bin/x', sha256: 'aa' }, ancestors: [] },
  inspected: false,
});
const STANDING = standing('a.test');
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let open = true;
  socket.once('close', () => {
    open = false;
  });
  cleanups.push(() => {
    if (open) socket.close();
  });
  return socket;
}

/** A relay whose sockets "inside" are on this machine's loopback: the raw handle of a socket that is bound there. */
async function relay(limits: Partial<DatagramLimits> = {}) {
  const made: number[] = [];
  const make: MakeInnerSocket = async (address, _port, receive) => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    made.push(socket.address().port);
    const symbol = Object.getOwnPropertySymbols(socket).find(
      ({ description }) => description === 'state symbol',
    )!;
    const { handle } = (socket as unknown as Record<symbol, { handle: { recvStop(): void } }>)[symbol]!;
    handle.recvStop();
    return serveInside(handle, address, receive);
  };
  const all = { ...DATAGRAM_LIMITS, ...limits };
  const datagrams = new DatagramRelay(make, all);
  cleanups.push(() => datagrams.close());
  return { datagrams, made };
}

async function server(): Promise<{ socket: Socket; heard: string[]; port: number; from: Set<number> }> {
  const socket = await bound();
  const heard: string[] = [];
  const from = new Set<number>();
  socket.on('message', (message, { port, address }) => {
    heard.push(String(message));
    from.add(port);
    socket.send(String(message).toUpperCase(), port, address);
  });
  return { socket, heard, port: socket.address().port, from };
}

async function answered(client: Socket, text: string, port: number, ms = 1000): Promise<string | null> {
  client.send(text, port, '127.0.0.1');
  const message = await Promise.race([
    once(client, 'message').then(([bytes]) => String(bytes)),
    new Promise<null>((resolve) => setTimeout(resolve, ms, null)),
  ]);
  return message;
}

const portOf = (socket: Socket): number => socket.address().port;
const SILENCE_MS = 150;

describe('relayed datagrams', () => {
  it('go to the target of the sender, and the answers back to it', async () => {
    const { datagrams, made } = await relay();
    const [upstream, client] = [await server(), await bound()];
    expect(await datagrams.admit(1n, HERE, 123, { address: HERE, port: upstream.port }, STANDING)).toBe(true);
    datagrams.peer(1n, addressBytes(HERE), portOf(client));
    expect(await answered(client, 'one', made[0]!)).toBe('ONE');
    expect(await answered(client, 'two', made[0]!)).toBe('TWO');
    expect(upstream.from.size).toBe(1);
  });

  it('of whoever was not admitted, or admitted elsewhere, go nowhere', async () => {
    const { datagrams, made } = await relay();
    const [upstream, admitted, stranger] = [await server(), await bound(), await bound()];
    const target = { address: HERE, port: upstream.port };
    await datagrams.admit(1n, HERE, 123, target, STANDING);
    await datagrams.admit(2n, HERE, 124, target, STANDING);
    datagrams.peer(1n, addressBytes(HERE), portOf(admitted));
    datagrams.peer(2n, addressBytes(HERE), 0); // its call was given up
    expect(await answered(stranger, 'stranger', made[0]!, SILENCE_MS)).toBeNull();
    expect(await answered(admitted, 'elsewhere', made[1]!, SILENCE_MS)).toBeNull();
    expect(upstream.heard).toEqual([]);
  });

  it('that arrive before the report about their sender wait for it', async () => {
    const { datagrams, made } = await relay();
    const [upstream, client] = [await server(), await bound()];
    await datagrams.admit(1n, HERE, 123, { address: HERE, port: upstream.port }, STANDING);
    const answer = answered(client, 'early', made[0]!);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(upstream.heard).toEqual([]);
    datagrams.peer(1n, addressBytes(HERE), portOf(client));
    expect(await answer).toBe('EARLY');
  });

  it('of a socket that is bound to no address are known by their port', async () => {
    const { datagrams, made } = await relay();
    const [upstream, client] = [await server(), await bound()];
    await datagrams.admit(1n, HERE, 123, { address: HERE, port: upstream.port }, STANDING);
    datagrams.peer(1n, addressBytes(ANY), portOf(client));
    expect(await answered(client, 'any', made[0]!)).toBe('ANY');
  });

  it('go where the last verdict about their port says', async () => {
    const { datagrams, made } = await relay();
    const [first, second, client] = [await server(), await server(), await bound()];
    for (const [id, { port }] of [
      [1n, first],
      [2n, second],
    ] as const) {
      await datagrams.admit(id, HERE, 123, { address: HERE, port }, STANDING);
      datagrams.peer(id, addressBytes(HERE), portOf(client));
      expect(await answered(client, 'x', made[0]!)).toBe('X');
    }
    expect([first.heard, second.heard]).toEqual([['x'], ['x']]);
  });

  it('after a silence go out by a new socket', async () => {
    const { datagrams, made } = await relay({ idleMs: 50 });
    const [upstream, client] = [await server(), await bound()];
    await datagrams.admit(1n, HERE, 123, { address: HERE, port: upstream.port }, STANDING);
    datagrams.peer(1n, addressBytes(HERE), portOf(client));
    expect(await answered(client, 'one', made[0]!)).toBe('ONE');
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(await answered(client, 'two', made[0]!)).toBe('TWO');
    expect(upstream.from.size).toBe(2);
  });

  it('of more senders than the limit: the first is forgotten', async () => {
    const { datagrams, made } = await relay({ flows: 2 });
    const upstream = await server();
    const clients = [await bound(), await bound(), await bound()];
    for (const [i, client] of clients.entries()) {
      await datagrams.admit(BigInt(i), HERE, 123, { address: HERE, port: upstream.port }, STANDING);
      datagrams.peer(BigInt(i), addressBytes(HERE), portOf(client));
    }
    const answers = clients.map((client) => answered(client, 'x', made[0]!, SILENCE_MS));
    expect(await Promise.all(answers)).toEqual([null, 'X', 'X']);
  });

  it('to more places than the limit are not admitted; nor where no socket can be had', async () => {
    const { datagrams } = await relay({ sockets: 1 });
    const target = { address: HERE, port: 9 };
    expect(await datagrams.admit(1n, HERE, 123, target, STANDING)).toBe(true);
    expect(await datagrams.admit(2n, HERE, 124, target, STANDING)).toBe(false);
    expect(await datagrams.admit(3n, HERE, 123, target, STANDING)).toBe(true);
    const none = new DatagramRelay(async () => null);
    expect(await none.admit(1n, HERE, 123, target, STANDING)).toBe(false);
  });

  it('to a server that is not there are lost, and later ones arrive', async () => {
    const { datagrams, made } = await relay();
    const [upstream, client] = [await server(), await bound()];
    await datagrams.admit(1n, HERE, 123, { address: HERE, port: upstream.port }, STANDING);
    datagrams.peer(1n, addressBytes(HERE), portOf(client));
    const { port } = upstream;
    upstream.socket.close();
    expect(await answered(client, 'lost', made[0]!, SILENCE_MS)).toBeNull();
    const again = createSocket('udp4').bind(port, '127.0.0.1');
    await once(again, 'listening');
    cleanups.push(() => again.close());
    again.on('message', (_message, from) => again.send('back', from.port, from.address));
    expect(await answered(client, 'x', made[0]!)).toBe('back');
  });

  it('are all stopped when the relay is closed', async () => {
    const { datagrams } = await relay();
    datagrams.close();
    expect(await datagrams.admit(1n, HERE, 123, { address: HERE, port: 9 }, STANDING)).toBe(false);
  });

  it('end with a policy that does not allow them, also those that were admitted and sent nothing yet', async () => {
    const { datagrams, made } = await relay();
    const [upstream, stays, goes, late] = [await server(), await bound(), await bound(), await bound()];
    const target = { address: HERE, port: upstream.port };
    await datagrams.admit(1n, HERE, 123, target, standing('a.test'));
    await datagrams.admit(2n, HERE, 123, target, standing('b.test'));
    await datagrams.admit(3n, HERE, 123, target, standing('b.test'));
    datagrams.peer(1n, addressBytes(HERE), portOf(stays));
    datagrams.peer(2n, addressBytes(HERE), portOf(goes));
    for (const client of [stays, goes]) expect(await answered(client, 'one', made[0]!)).toBe('ONE');
    expect(datagrams.keepOnly(({ host }) => host.text === 'a.test')).toBe(1);
    datagrams.peer(3n, addressBytes(HERE), portOf(late));
    expect(await answered(stays, 'two', made[0]!)).toBe('TWO');
    for (const client of [goes, late]) expect(await answered(client, 'two', made[0]!, SILENCE_MS)).toBeNull();
  });
});
