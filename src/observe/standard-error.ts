/**
 * Standard error while a sandbox runs. Nothing here waits for its reader: the program writes there too and may keep it
 * full, and its time limit and its connections must go on all the same.
 */
import { constants, fstatSync, openSync, write } from 'node:fs';

/** A reader that leaves so much lying is not reading. */
const MAX_WAITING = 4 << 20;
const RETRY_MS = 5;

let waiting = '';
let busy = false;
let missing = 0;
let own: number | undefined;
/** Nobody reads there any more. */
let gone = false;
let onEmpty: () => void = () => {};

export function writeError(text: string): void {
  if (gone) return;
  if (waiting.length > MAX_WAITING) {
    missing += 1;
    return;
  }
  waiting += text;
  if (!busy) next();
}

/** When all of it was written or nobody reads it, and after `limitMs` in any case. */
export function errorsWritten(limitMs: number): Promise<void> {
  if (!busy) return Promise.resolve();
  return new Promise((resolve) => {
    onEmpty = resolve;
    setTimeout(resolve, limitMs);
  });
}

function next(): void {
  if (waiting === '' && missing > 0) {
    waiting = `openshell: ${missing} lines are missing: standard error was read too slowly\n`;
    missing = 0;
  }
  busy = waiting !== '';
  if (!busy) {
    onEmpty();
    return;
  }
  const bytes = Buffer.from(waiting);
  waiting = '';
  own ??= ownDescriptor();
  send(own, bytes);
}

function send(fd: number, bytes: Buffer): void {
  write(fd, bytes, (error, count) => {
    if (error?.code === 'EAGAIN') {
      setTimeout(() => send(fd, bytes), RETRY_MS);
      return;
    }
    if (error === null && count < bytes.length) {
      send(fd, bytes.subarray(count));
      return;
    }
    if (error !== null) {
      gone = true;
      waiting = '';
      missing = 0;
    }
    next();
  });
}

/** A pipe is opened anew: that it does not block is then a property of our descriptor alone. */
function ownDescriptor(): number {
  try {
    if (fstatSync(2).isFIFO()) return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {} // another user's pipe, or without a reader: as it is, then
  return 2;
}
