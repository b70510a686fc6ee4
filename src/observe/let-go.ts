/** Gives up a standard descriptor that was inherited: /dev/null stands there then, so that nothing else gets its number. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Call it only while nothing else opens files: the number is free for a moment. */
export function letGo(fd: 0 | 1 | 2): void {
  try {
    closeSync(fd);
    const got = openSync('/dev/null', constants.O_RDWR);
    if (got !== fd) closeSync(got);
  } catch {}
}

/** Terminals that were closed: Node aborts when it cannot put back their settings at its end (ResetStdio in node.cc). */
export function letGoOfClosedTerminals(): void {
  for (const fd of [0, 1, 2] as const) {
    try {
      if (fstatSync(fd).isCharacterDevice() && !isatty(fd)) letGo(fd);
    } catch {}
  }
}
