/** What a program left in the writable directories that programs of the host trust: it did not exist at the start. */
import { readdirSync } from 'node:fs';
import type { HostTrust } from '../plan/plan.ts';
import { statOrNull } from '../probe/paths.ts';
import { findRepositories } from '../probe/repositories.ts';

/** Names of one directory that are looked at. */
const MAX_NAMES = 1000;

/** How what cannot be held looks, to be compared after the run: by path, and one level into directories. */
export function lookAtUnheld({ unheld }: HostTrust): ReadonlyMap<string, string> {
  const looks = new Map<string, string>();
  const look = (path: string): void => {
    const stats = statOrNull(path);
    looks.set(path, stats === null ? '' : [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(' '));
  };
  for (const path of unheld) {
    look(path);
    for (const name of namesIn(path)) look(`${path}/${name}`);
  }
  return looks;
}

/** None of what is no directory. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(path).slice(0, MAX_NAMES);
  } catch {
    return [];
  }
}

/** What changed, appeared or went since; paths of the host. */
export function changedSince(trust: HostTrust, before: ReadonlyMap<string, string>): string[] {
  const after = lookAtUnheld(trust);
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}

/** Paths of the host, in the order of the search. */
export function newlyTrusted({ absent, repositories }: HostTrust): string[] {
  const known = new Set(repositories.found.map(({ path }) => path));
  const made = findRepositories(repositories.roots).found.map(({ path }) => path);
  return [...absent.filter((path) => statOrNull(path) !== null), ...made.filter((path) => !known.has(path))];
}
