/** Events as JSON lines in a file or on standard error. */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import type { Receiver } from './sink.ts';

/**
 * @param target `-` for standard error (standard output belongs to the program), else a file, which is appended to.
 *   A symbolic link in its place and anything that is no regular file are refused.
 */
export function openEvents(target: string): Receiver {
  const fd = target === '-' ? 2 : openFile(target);
  return {
    denialsOnly: false,
    receive: (event) => {
      writeSync(fd, `${JSON.stringify(event)}\n`);
    },
  };
}

function openFile(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  const fd = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY, 0o600);
  if (!fstatSync(fd).isFile()) throw new Error('it is not a regular file');
  return fd;
}
