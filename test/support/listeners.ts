/** Servers outside the sandbox, all on loopback or under a path. Each greets, and it is noted who was reached. */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';

/** As probe/network.c expects it. */
export const GREETING = 'GREETING-FROM-OUTSIDE\n';

export class Listeners {
  /** Names of the servers that were reached, in order. */
  readonly reached: string[] = [];
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #datagram: DatagramSocket[] = [];

  /** A server that greets who connects. @returns its port, or null where the address does not exist */
  tcp(name: string, address: string, port = 0): Promise<number | null> {
    return this.#listen(name, { host: address, port });
  }

  /** @param path of a Unix socket, which everybody may connect to */
  async unix(name: string, path: string): Promise<boolean> {
    const listens = (await this.#listen(name, { path })) !== null;
    chmodSync(path, 0o777);
    return listens;
  }

  /** A server that answers every datagram. @returns its port, or null where the address does not exist */
  async udp(name: string, address: string): Promise<number | null> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (_message, from) => {
      this.reached.push(name);
      socket.send(GREETING, from.port, from.address);
    });
    socket.bind(0, address);
    try {
      await once(socket, 'listening');
    } catch {
      return null;
    }
    this.#datagram.push(socket);
    return socket.address().port;
  }

  async #listen(
    name: string,
    where: { host: string; port: number } | { path: string },
  ): Promise<number | null> {
    const server = createServer((socket) => {
      this.reached.push(name);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {}); // who only knocks may be gone already
      socket.end(GREETING);
    });
    server.listen(where);
    try {
      await once(server, 'listening');
    } catch {
      return null;
    }
    this.#servers.push(server);
    return 'path' in where ? 0 : (server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    for (const socket of this.#datagram) socket.close();
  }
}
