/** Servers of protocols that are not HTTP, as small as real clients put up with, on loopback for one test file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll } from 'vitest';
import { find, SEARCH_PATH } from './host.ts';

export interface RawServer {
  readonly port: number;
  /** Connections so far. */
  connections: number;
}

const open = new Set<Server>();

export async function rawServer(serve: (socket: Socket) => void): Promise<RawServer> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    raw.connections += 1;
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  open.add(server);
  const raw = { port: (server.address() as AddressInfo).port, connections: 0 };
  return raw;
}

/** For the top of a test file. */
export const closeRawServers = (): void =>
  afterAll(() => {
    for (const server of open) server.close();
    open.clear();
  });

/** Greets, says everything again, and when the client has ended its half, how many bytes that were. */
export function greeter(socket: Socket): void {
  let bytes = 0;
  socket.write('hello\n');
  socket.on('data', (data) => {
    bytes += data.length;
    socket.write(data);
  });
  socket.on('end', () => socket.end(`${bytes} bytes\n`));
}

/** Says that it is an SSH server, hears who the client is, and goes. */
export function sshBanner(socket: Socket): void {
  socket.write('SSH-2.0-Fake_1.0\r\n');
  socket.once('data', () => socket.end());
  socket.on('end', () => socket.end());
}

/** Answers every command with the greeting of a Redis server. */
export function redis(socket: Socket): void {
  socket.on('data', () => socket.write('+PONG\r\n'));
  socket.on('end', () => socket.end());
}

/** git-daemon(1) as inetd(8) starts it. */
export const gitDaemon =
  (root: string) =>
  (socket: Socket): void => {
    const args = ['-c', 'safe.directory=*', 'daemon', '--inetd', '--export-all', `--base-path=${root}`, root];
    const child = spawn(find('git')!, args, {
      env: { PATH: SEARCH_PATH, GIT_CONFIG_NOSYSTEM: '1', HOME: root },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => {}); // it need not read everything
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
  };

const message = (type: string, ...fields: readonly Buffer[]): Buffer => {
  const length = Buffer.alloc(4);
  const body = Buffer.concat(fields);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};
const integers = (...values: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer =>
  Buffer.concat(
    values.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      field.writeIntBE(value, 0, bytes);
      return field;
    }),
  );
const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** A PostgreSQL server (protocol 3) without encryption and passwords, whose every query gives the row `answer`. */
export function postgres(socket: Socket): void {
  const ready = message('Z', Buffer.from('I'));
  let started = false;
  socket.on('data', (data) => {
    if (started) {
      if (data[0] !== 'Q'.charCodeAt(0)) return void socket.end();
      const column = integers([4, 0], [2, 0], [4, 25], [2, -1], [4, -1], [2, 0]);
      socket.write(
        Buffer.concat([
          message('T', integers([2, 1]), text('column'), column),
          message('D', integers([2, 1], [4, 6]), Buffer.from('answer')),
          message('C', text('SELECT 1')),
          ready,
        ]),
      );
    } else if (data.readInt32BE(4) === 196608) {
      started = true;
      const version = message('S', text('server_version'), text('15.0'));
      socket.write(Buffer.concat([message('R', integers([4, 0])), version, ready]));
    } else socket.write('N'); // neither TLS nor GSSAPI
  });
  socket.on('end', () => socket.end());
}
