/** Events as JSON lines in a file or on standard error. */
import { constants, fstatSync, openSync } from 'node:fs';
import type { Receiver } from './sink.ts';
import { writeError } from './standard-error.ts';
import { writeAll } from './write.ts';

/**
 * @param target `-` for standard error (standard output belongs to the program), else a file, which is appended to.
 *   A symbolic link in its place and anything that is no regular file are refused.
 */
export function openEvents(target: string): Receiver {
  const write = target === '-' ? writeError : toFile(target);
  return { denialsOnly: false, receive: (event) => write(`${JSON.stringify(event)}\n`) };
}

function toFile(path: string): (line: string) => void {
  const fd = openFile(path);
  return (line) => void writeAll(fd, line);
}

function openFile(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  try {
    const fd = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY, 0o600);
    if (fstatSync(fd).isFile()) return fd;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`--events ${path}: ${REASONS[code ?? ''] ?? message}`);
  }
  throw new Error(`--events ${path}: it is not a regular file`);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link',
  ENXIO: 'it is not a regular file',
};
