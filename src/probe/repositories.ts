/** Finds the git directories that lie in writable directories: a hook or a setting planted there runs on the host. */
import { readdirSync, realpathSync } from 'node:fs';
import { joinPath } from '../base/path.ts';
import type { Repository, RepositoryFacts } from '../plan/facts.ts';
import { statOrNull } from './paths.ts';

/** Directory entries looked at in all, so that a start stays short wherever it happens. */
const MAX_LOOKS = 4096;
/** Names of submodules may hold slashes: levels of `.git/modules` that are searched for a git directory. */
const MAX_DEPTH = 4;

/** @param roots absolute paths; what is no directory is passed over */
export function findRepositories(roots: readonly string[]): RepositoryFacts {
  const search = new Search();
  for (const root of roots) search.root(root);
  const found = [...search.found.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { roots, found, complete: search.looks <= MAX_LOOKS };
}

export const sameRepositories = (a: RepositoryFacts, b: RepositoryFacts): boolean =>
  a.complete === b.complete &&
  a.found.length === b.found.length &&
  a.found.every(({ path, kind }, i) => b.found[i]!.path === path && b.found[i]!.kind === kind);

class Search {
  readonly found = new Map<string, Repository>();
  looks = 0;

  root(listed: string): void {
    let root: string;
    try {
      root = realpathSync.native(listed);
    } catch {
      return;
    }
    if (this.#isGitDirectory(root)) this.#directory(root);
    this.#gitIn(root);
    for (const child of this.#directoriesIn(root)) this.#gitIn(child);
  }

  #gitIn(directory: string): void {
    const path = joinPath(directory, '.git');
    const kind = this.#kindOf(path);
    if (kind === 'directory') this.#directory(path);
    else if (kind === 'file') this.found.set(path, { path, kind: 'file' });
  }

  #directory(path: string): void {
    if (this.found.has(path)) return;
    this.found.set(path, { path, kind: 'directory' });
    for (const worktree of this.#directoriesIn(joinPath(path, 'worktrees')))
      this.found.set(worktree, { path: worktree, kind: 'worktree' });
    this.#modules(joinPath(path, 'modules'), MAX_DEPTH);
  }

  #modules(directory: string, depth: number): void {
    for (const child of this.#directoriesIn(directory)) {
      if (this.#isGitDirectory(child)) this.#directory(child);
      else if (depth > 1) this.#modules(child, depth - 1);
    }
  }

  /** As git itself tells one: `HEAD`, `objects` and `refs`. */
  #isGitDirectory(path: string): boolean {
    return (
      this.#kindOf(joinPath(path, 'HEAD')) === 'file' &&
      this.#kindOf(joinPath(path, 'objects')) === 'directory' &&
      this.#kindOf(joinPath(path, 'refs')) === 'directory'
    );
  }

  #kindOf(path: string): 'directory' | 'file' | 'other' | null {
    this.looks += 1;
    if (this.looks > MAX_LOOKS) return null;
    const stats = statOrNull(path);
    if (stats === null) return null;
    return stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : 'other';
  }

  #directoriesIn(path: string): string[] {
    if (this.looks > MAX_LOOKS) return [];
    try {
      const entries = readdirSync(path, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort()
        .map((name) => joinPath(path, name));
    } catch {
      return [];
    }
  }
}
