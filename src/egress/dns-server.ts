/** The sockets of the policy DNS: datagrams, and messages with their length before them over TCP (RFC 1035 4.2). */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { NAME_LIMITS } from './name-limits.ts';

/** The answer to one message, or null where none is due. It never fails. */
export type AnswerQuery = (message: Uint8Array, transport: 'udp' | 'tcp') => Promise<Uint8Array | null>;

export class DnsServer {
  readonly #answerQuery: AnswerQuery;
  readonly #udp: DatagramSocket[] = [];
  readonly #tcp: Server[] = [];
  readonly #connections = new Set<Socket>();
  #closed = false;

  constructor(answerQuery: AnswerQuery) {
    this.#answerQuery = answerQuery;
  }

  /** @param handle a raw bound socket, as Node's channel to the launcher hands it over */
  serveUdp(handle: unknown): void {
    const socket = createSocket('udp4');
    socket.on('error', () => {}); // an answer that could not be sent: the client asks again
    socket.on('message', async (message, { address, port }) => {
      const reply = await this.#answerQuery(message, 'udp');
      if (reply !== null && !this.#closed) socket.send(reply, port, address, () => {});
    });
    // A bound handle is taken as it is; the types know of ports only.
    (socket.bind as (handle: unknown) => void)(handle);
    this.#udp.push(socket);
  }

  /** @param handle a raw listening socket */
  serveTcp(handle: unknown): void {
    this.#newServer().listen(handle as Parameters<Server['listen']>[0]);
  }

  /** Serves TCP on 127.0.0.1. @returns the port */
  async listenOnLoopback(): Promise<number> {
    const server = this.#newServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  #newServer(): Server {
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = NAME_LIMITS.dnsConnections;
    server.on('error', () => {});
    this.#tcp.push(server);
    return server;
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#udp) socket.close();
    for (const server of this.#tcp) server.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #serve(socket: Socket): void {
    let rest: Buffer = Buffer.alloc(0);
    let chain = Promise.resolve();
    this.#connections.add(socket);
    socket.setTimeout(NAME_LIMITS.dnsIdleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2) {
        const length = rest.readUInt16BE(0);
        if (length > NAME_LIMITS.queryBytes) return void socket.destroy();
        if (rest.length < 2 + length) return;
        const message = rest.subarray(2, 2 + length);
        rest = rest.subarray(2 + length);
        // One after the other: a client that sends many waits for each.
        socket.pause();
        chain = chain.then(() => this.#answer(socket, message)).then(() => void socket.resume());
      }
    });
  }

  async #answer(socket: Socket, message: Uint8Array): Promise<void> {
    const reply = await this.#answerQuery(message, 'tcp');
    if (reply === null) return void socket.destroy();
    const length = Buffer.alloc(2);
    length.writeUInt16BE(reply.length, 0);
    if (!socket.destroyed) socket.write(Buffer.concat([length, reply]));
  }
}
