/** TLS around the harness: clients behind CONNECT, and origins with certificates of an authority made for one test. */
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type SecureContext, TLSSocket } from 'node:tls';
import { SandboxAuthority } from '../../../src/http/tls/authority.ts';
import { inspected } from '../../match/requests.ts';
import { policy, table } from '../../match/tables.ts';
import {
  answerOnce,
  type Behaviour,
  type Bench,
  type BenchOptions,
  bench,
  Client,
  listen,
  type Origin,
} from '../harness.ts';

/** The authority of servers on the outside. One for all tests: it is read only. */
export const OUTSIDE = new SandboxAuthority();

/** `a.test:443` is looked at: GET below /v1, POST to /v1/items; never /v1/secret. */
export const REST = table([
  policy('site', [inspected('a.test:443,80', ['GET /v1/**', 'POST /v1/items'], ['* /v1/secret/**'])]),
]);

export interface SecureOrigin extends Origin {
  /** For each connection whose handshake was completed: the name that it asked for, and whether a session was resumed. */
  readonly handshakes: { readonly servername: unknown; readonly resumed: boolean }[];
}

/** An origin that speaks TLS; `log` holds what came inside. */
export async function secureOrigin(
  behave: Behaviour = answerOnce('hello'),
  context?: SecureContext | (() => SecureContext),
): Promise<SecureOrigin> {
  const usual = OUTSIDE.leafFor('a.test');
  const log: string[] = [];
  const open = new Set<Socket>();
  const handshakes: SecureOrigin['handshakes'] = [];
  const { port } = await listen((socket) => {
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: typeof context === 'function' ? context() : (context ?? usual),
      ALPNProtocols: ['http/1.1'],
    });
    const at = log.push('') - 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    secure.on('error', () => socket.destroy());
    secure.on('secure', () => {
      const { servername } = secure as unknown as { servername: unknown };
      handshakes.push({ servername, resumed: secure.isSessionReused() });
    });
    secure.on('data', (bytes) => {
      log[at] += bytes.toString('latin1');
      behave(secure, log[at]!);
    });
    secure.on('end', () => secure.end());
  });
  return { port, log, open, handshakes };
}

/** A proxy that looks at requests, with one server behind `a.test:443`. */
export async function inspecting(
  server: { readonly port: number },
  options: BenchOptions = {},
): Promise<Bench> {
  const ca = OUTSIDE.caPem;
  const to = { 'a.test:443': server.port, 'a.test:80': server.port };
  return bench({ rules: REST, to, inspect: [ca], ...options });
}

/** A client behind CONNECT; its TLS begins when that is answered. */
export async function tunnel(port: number, authority = 'a.test:443'): Promise<Client> {
  const client = new Client(port).send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await client.until('\r\n\r\n');
  client.received = client.received.replace(/^HTTP\/1\.1 200 [^\r]*\r\n\r\n/, '');
  return client;
}

/** TLS over a connected socket, as a client that trusts `ca`; resolves when it is established, rejects with its error. */
export function handshake(socket: Socket, ca: string, options: ConnectionOptions = {}): Promise<Secure> {
  socket.removeAllListeners('data');
  return new Promise((resolve, reject) => {
    const secure = connect({ socket, ca, servername: 'a.test', ALPNProtocols: ['http/1.1'], ...options });
    let session: Buffer | null = null;
    secure.on('session', (fresh) => {
      session = fresh;
    });
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('closed')));
    secure.once('secureConnect', () =>
      resolve({ client: new Client(secure), secure, session: () => session }),
    );
  });
}

export interface Secure {
  readonly client: Client;
  readonly secure: TLSSocket;
  readonly session: () => Buffer | null;
}

/** CONNECT and TLS. */
export async function secureClient(
  { port, ca }: Pick<Bench, 'port' | 'ca'>,
  options: ConnectionOptions = {},
  authority?: string,
): Promise<Secure> {
  const { socket } = await tunnel(port, authority);
  return handshake(socket, ca, options);
}

/** Sends bytes inside TLS and gives back everything until the proxy closes. */
export async function secureTalk(made: Pick<Bench, 'port' | 'ca'>, text: string): Promise<string> {
  return (await secureClient(made)).client.send(text).end();
}
