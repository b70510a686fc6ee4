/** Small values kept from run to run, by key: host facts for one boot, plans for equal inputs. Losing it costs time only. */
import { closeSync, constants, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './installation.ts';

const MAX_ENTRY = 4 * 1024 * 1024;

/** The value, or null when there is none that this user wrote alone. */
export function readCache(kind: string, key: string): string | null {
  try {
    const path = join(cacheDirectory(), kind, key);
    const { uid, mode, size } = statSync(path);
    if (uid !== process.geteuid!() || (mode & 0o022) !== 0 || size > MAX_ENTRY) return null;
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Best effort: a cache that cannot be written is none. */
export function writeCache(kind: string, key: string, text: string): void {
  try {
    const directory = join(cacheDirectory(), kind);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, key);
    const temporary = `${path}.${process.pid}`;
    const fd = openSync(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch {}
}
