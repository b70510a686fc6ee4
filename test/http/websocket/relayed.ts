/** A relay between a real client and a real server: node:http on both sides, the handshake and frames by the product. */
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  answerHeaders,
  checkAnswer,
  checkHandshake,
  requestHeaders,
} from '../../../src/http/websocket/handshake.ts';
import {
  relayWebSocket,
  type WebSocketEnd,
  type WebSocketOptions,
} from '../../../src/http/websocket/relay.ts';
import { SharedByWebSockets } from '../../../src/http/websocket/shared.ts';

export interface RelayServer {
  readonly port: number;
  readonly ends: WebSocketEnd[];
  /** Handshakes that were refused: why. */
  readonly refused: string[];
  close(): Promise<void>;
}

export type Rules = Partial<
  Pick<WebSocketOptions, 'judgeText' | 'judgeBinary' | 'maskServerText' | 'shared'>
>;

/** Lets everything through that the rules do not refuse. */
export async function relayServer(upstreamPort: number, rules: Rules = {}): Promise<RelayServer> {
  const ends: WebSocketEnd[] = [];
  const refused: string[] = [];
  const sockets = new Set<Duplex>();
  const shared = rules.shared ?? new SharedByWebSockets();
  const server = createServer();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.setNoDelay(true));
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (asked: IncomingMessage, client: Duplex, clientHead: Buffer) => {
    client.on('error', () => undefined);
    const refuse = (status: string, why: string): void => {
      refused.push(why);
      client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
    };
    const handshake = checkHandshake(asked, rules.maskServerText !== undefined);
    if (!handshake.ok) return refuse('400 Bad Request', handshake.error);
    const upstream = request({
      port: upstreamPort,
      host: '127.0.0.1',
      path: asked.url ?? '/',
      headers: requestHeaders(asked.rawHeaders, handshake.value),
      setHost: false,
    });
    upstream.on('error', () => refuse('502 Bad Gateway', 'no answer'));
    upstream.on('response', (answer) => refuse('502 Bad Gateway', `answered ${answer.statusCode}`));
    upstream.on('upgrade', (answer, upstreamSocket, serverHead) => {
      sockets.add(upstreamSocket.setNoDelay(true));
      upstreamSocket.once('close', () => sockets.delete(upstreamSocket));
      const agreement = checkAnswer(answer, handshake.value);
      if (!agreement.ok) {
        upstreamSocket.destroy();
        return refuse('502 Bad Gateway', agreement.error);
      }
      const lines = ['HTTP/1.1 101 Switching Protocols'];
      const headers = answerHeaders(answer.rawHeaders, handshake.value, agreement.value);
      for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
      client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
      relayWebSocket({
        judgeText: (text) => ({ kind: 'pass', text }),
        judgeBinary: () => ({ kind: 'pass' }),
        ...rules,
        shared,
        client,
        clientHead,
        server: upstreamSocket,
        serverHead,
        deflate: agreement.value.deflate !== null,
        onEnd: (end) => ends.push(end),
      });
    });
    upstream.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ends,
    refused,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
