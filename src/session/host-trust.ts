/** What a program left in the writable directories that programs of the host trust: it did not exist at the start. */
import type { HostTrust } from '../plan/plan.ts';
import { statOrNull } from '../probe/paths.ts';
import { findRepositories } from '../probe/repositories.ts';

/** Paths of the host, in the order of the search. */
export function newlyTrusted({ absent, repositories }: HostTrust): string[] {
  const known = new Set(repositories.found.map(({ path }) => path));
  const made = findRepositories(repositories.roots).found.map(({ path }) => path);
  return [...absent.filter((path) => statOrNull(path) !== null), ...made.filter((path) => !known.has(path))];
}
