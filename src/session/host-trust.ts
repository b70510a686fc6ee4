/** What a program left in the writable directories that programs of the host trust: it did not exist at the start. */
import { lstatSync } from 'node:fs';
import type { HostTrust } from '../plan/plan.ts';
import { findRepositories } from '../probe/repositories.ts';

/** Paths of the host, in the order of the search. */
export function newlyTrusted({ absent, repositories }: HostTrust): string[] {
  const known = new Set(repositories.found.map(({ path }) => path));
  const made = findRepositories(repositories.roots).found.map(({ path }) => path);
  return [...absent.filter(exists), ...made.filter((path) => !known.has(path))];
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
