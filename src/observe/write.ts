/**
 * Writes to descriptors that others share: at once and whole, and never by `process.stdout` or `process.stderr`, which
 * make a pipe non-blocking for the program of the sandbox too.
 */
import { writeSync } from 'node:fs';

/** Between two attempts on a pipe that is full and non-blocking. */
const PAUSE_MS = 5;
/** A reader that takes nothing for so long will not. */
const PATIENCE_MS = 60_000;

/** False when it could not be written: nobody reads, or the terminal is gone. */
export function writeAll(fd: number, text: string): boolean {
  let rest = Buffer.from(text, 'utf8');
  for (let waited = 0; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
      waited = 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waited >= PATIENCE_MS) return false;
      pause();
      waited += PAUSE_MS;
    }
  }
  return true;
}

let sleeper: Int32Array | undefined;

function pause(): void {
  sleeper ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(sleeper, 0, 0, PAUSE_MS);
}
