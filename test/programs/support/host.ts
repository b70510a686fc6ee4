/** What this machine has: programs by name, who runs the tests, and reasons to skip what cannot be tried here. */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Directories that the default policy shows. */
const DIRECTORIES = [
  '/usr/local/bin',
  '/usr/local/sbin',
  '/usr/bin',
  '/usr/sbin',
  '/bin',
  '/sbin',
  '/usr/local/go/bin',
];

/** The search path that the tests give to openshell, and it to the program. */
export const SEARCH_PATH = DIRECTORIES.filter((directory) => existsSync(directory)).join(':');

export const isRoot = process.getuid!() === 0;

/** Path of a program that the default policy shows, or null. */
export function find(name: string): string | null {
  for (const directory of DIRECTORIES) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return null;
}

/** Packages that .ci/run unpacks, since installing them would start a daemon. */
const UNPACKED = fileURLToPath(new URL('../../../build/programs/usr/sbin', import.meta.url));

/** Path of a program that may be unpacked only: it is to be copied to where the policy shows it. */
export function findUnpacked(name: string): string | null {
  const path = join(UNPACKED, name);
  return find(name) ?? (existsSync(path) ? path : null);
}

/** The names among these that this machine lacks. */
export const missing = (...names: string[]): string[] => names.filter((name) => find(name) === null);

/** For a test's name: why it is skipped, or nothing. */
export const because = (lacking: readonly string[]): string =>
  lacking.length === 0 ? '' : ` (skipped: ${lacking.join(', ')} is not installed)`;

/** The Node that runs the tests, and options that show it where the default policy does not. */
export const node = realpathSync(process.execPath);
const nodePrefix = dirname(dirname(node));
export const nodeOptions: readonly string[] = /^\/(usr|opt)(\/|$)/.test(nodePrefix)
  ? []
  : ['--read', nodePrefix];
