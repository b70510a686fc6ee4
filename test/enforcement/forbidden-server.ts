/** Two servers on every address of this machine: one that may be reached, and one that counts who reaches it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Counts connections and datagrams on one port; nobody may ever get here. */
export class ForbiddenServer {
  readonly port: number;
  #reached: string[] = [];
  readonly #stream: Server;
  readonly #datagrams: readonly Socket[];

  private constructor(stream: Server, datagrams: readonly Socket[]) {
    this.port = (stream.address() as AddressInfo).port;
    this.#stream = stream;
    this.#datagrams = datagrams;
    stream.on('connection', (socket) => {
      socket.on('error', () => {});
      this.#reached.push('connection');
      socket.destroy();
    });
    for (const socket of datagrams) socket.on('message', () => this.#reached.push('datagram'));
  }

  static async start(): Promise<ForbiddenServer> {
    const stream = createServer();
    const { host, types } = hasVersion6
      ? ({ host: '::', types: ['udp4', 'udp6'] } as const)
      : ({ host: '0.0.0.0', types: ['udp4'] } as const);
    stream.listen(0, host);
    await once(stream, 'listening');
    const { port } = stream.address() as AddressInfo;
    const datagrams = await Promise.all(
      types.map(async (type) => {
        const socket = createSocket({ type, ipv6Only: type === 'udp6' });
        socket.bind(port);
        await once(socket, 'listening');
        return socket;
      }),
    );
    return new ForbiddenServer(stream, datagrams);
  }

  /** Who has got here since the last time. */
  async reached(): Promise<string[]> {
    await sleep(50); // what is under way arrives
    const reached = this.#reached;
    this.#reached = [];
    return reached;
  }

  close(): void {
    this.#stream.close();
    for (const socket of this.#datagrams) socket.close();
  }
}

/** Says hello and goes on listening. */
export async function startGreeter(host = '127.0.0.1'): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.resume();
    socket.write('hello\n');
  });
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A port of 127.0.0.1 where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);

export const hasVersion6: boolean = addresses.some(({ address }) => address === '::1');
/** An IPv4 address of this machine that others see, or null. */
export const hostAddress: string | null =
  addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null;
/** The same for IPv6, without link-local ones. */
export const hostAddress6: string | null =
  addresses.find(
    ({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80'),
  )?.address ?? null;
/** A link-local address with its interface, or null. */
export const linkLocal: { readonly address: string; readonly index: number; readonly name: string } | null =
  Object.entries(networkInterfaces()).flatMap(([name, all]) =>
    (all ?? []).flatMap((one) =>
      one.family === 'IPv6' && one.address.startsWith('fe80')
        ? [{ address: one.address, index: one.scopeid, name }]
        : [],
    ),
  )[0] ?? null;
