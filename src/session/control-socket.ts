/**
 * The socket by which the owner speaks to a sandbox that runs: in a directory of the owner alone, which no sandbox may
 * write, so that none can connect to it (launcher/agent.c).
 */
import { chmodSync, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

export const CONTROL_SUFFIX = '.sock';
/** More are closed at once. */
const MAX_CLIENTS = 8;

export interface ControlSocket {
  close(): void;
}

/** Null: there is no such directory, or others may use it. `serve` gets each client. */
export function openControlSocket(
  directory: string,
  run: string,
  serve: (client: Socket) => void,
): ControlSocket | null {
  const held = openOwn(directory);
  if (held === null) return null;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    serve(client);
  });
  const path = pathBy(held, run);
  server.maxConnections = MAX_CLIENTS;
  server.on('error', () => {}); // then nobody can speak to it
  server.listen(path, () => {
    try {
      chmodSync(path, 0o600);
    } catch {
      server.close();
    }
  });
  server.unref();
  return {
    close: () => {
      server.close(); // removes the socket
      closeSync(held);
    },
  };
}

/** A directory that is its owner's alone, opened; null: it is not. */
export function openOwn(directory: string): number | null {
  let held: number;
  try {
    held = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return null;
  }
  const { uid, mode } = fstatSync(held);
  if (uid === process.geteuid!() && (mode & 0o077) === 0) return held;
  closeSync(held);
  return null;
}

/** The path of a Unix socket may have 107 bytes (unix(7)): this one is short, and in that very directory. */
export const pathBy = (held: number, run: string): string => `/proc/self/fd/${held}/${run}${CONTROL_SUFFIX}`;
