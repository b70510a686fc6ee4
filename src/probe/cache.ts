/** Small values kept from run to run, by key: host facts for one boot, plans for equal inputs. Losing it costs time only. */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './installation.ts';

const MAX_ENTRY = 4 * 1024 * 1024;
const MAX_ENTRIES = 64;

/** The value, or null when there is none that this user wrote alone. The whole key is compared, not its name only. */
export function readCache(kind: string, key: string): string | null {
  try {
    const fd = openSync(join(cacheDirectory(), kind, nameOf(key)), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { uid, mode, size } = fstatSync(fd);
      if (uid !== process.geteuid!() || (mode & 0o022) !== 0 || size > MAX_ENTRY) return null;
      const text = readFileSync(fd, 'utf8');
      return text.startsWith(`${key}\n`) ? text.slice(key.length + 1) : null;
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

/** Best effort: a cache that cannot be written is none. `key` is one line. */
export function writeCache(kind: string, key: string, text: string): void {
  try {
    const directory = join(cacheDirectory(), kind);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, nameOf(key));
    const temporary = `${path}.${process.pid}`;
    const fd = openSync(
      temporary,
      constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      writeSync(fd, `${key}\n${text}`);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    prune(directory);
  } catch {}
}

/** Keeps the newest entries; what a killed run left half written goes too. */
function prune(directory: string): void {
  const entries = readdirSync(directory).map((name) => ({
    path: join(directory, name),
    time: statSync(join(directory, name)).mtimeMs,
  }));
  entries.sort((a, b) => b.time - a.time);
  for (const { path } of entries.slice(MAX_ENTRIES)) rmSync(path, { force: true });
}

/** Two 32-bit FNV-1a sums, which need no library to be loaded: equal names of different keys cost a miss. */
function nameOf(key: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let i = 0; i < key.length; i += 1) {
    a = Math.imul(a ^ key.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ key.charCodeAt(key.length - 1 - i), 0x01000193);
  }
  return (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0');
}
