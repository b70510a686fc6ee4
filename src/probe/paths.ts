/** Looks at the paths that a compilation asks about, and at nothing else. */
import { constants, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { cleanPath, joinPath, parentOf } from '../base/path.ts';
import type { PathFact, PathFacts, SymbolicLink } from '../plan/facts.ts';

/** As the kernel's own bound (path_resolution(7)). */
const MAX_LINKS = 40;

/** What was seen at each place of the disk, in a form that can be compared: '' for nothing. */
export type Observations = readonly (readonly [path: string, seen: string])[];

export interface Look {
  readonly facts: PathFacts;
  readonly observations: Observations;
}

export function lookAt(paths: readonly string[]): Look {
  const walker = new Walker();
  const byPath = new Map<string, PathFact>();
  const rootEntries = readdirSync('/', { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  // A link of the root directory is made again inside; what else stands there matters only when it is asked about.
  const links = rootEntries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => joinPath('/', name));
  const queue = [...paths, ...links];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (byPath.has(path)) continue;
    const fact = walker.lookAt(path);
    byPath.set(path, fact);
    for (const { at } of fact.links) if (!byPath.has(at)) queue.push(at);
  }
  const names = rootEntries.map(({ name }) => name);
  return {
    facts: { byPath, rootEntries: names },
    observations: [...walker.observations(), ['', names.join('/')]],
  };
}

/** Whether everything is still as it was seen. */
export function looksTheSame(observations: Observations): boolean {
  return observations.every(
    ([path, seen]) =>
      (path === '' ? readdirSync('/').sort().join('/') : observe(path, statOrNull(path))) === seen,
  );
}

function observe(path: string, stats: Stats | null): string {
  if (stats === null) return '';
  return `${stats.mode & constants.S_IFMT} ${stats.uid} ${stats.gid}${stats.isSymbolicLink() ? ` ${readlinkSync(path)}` : ''}`;
}

/** Walks paths component by component, looking at each place of the disk once. */
class Walker {
  readonly #seen = new Map<string, Stats | null>();

  *observations(): Iterable<readonly [string, string]> {
    for (const [path, stats] of this.#seen) yield [path, observe(path, stats)];
  }

  lookAt(path: string): PathFact {
    const links: SymbolicLink[] = [];
    const rest = cleanPath(path).split('/').slice(1).reverse();
    let at = '/';
    let stats = this.#stat(at);
    while (rest.length > 0) {
      const name = rest.pop()!;
      const next = name === '..' ? parentOf(at) : name === '' ? at : joinPath(at, name);
      stats = stats?.isDirectory() ? this.#stat(next) : null;
      if (stats === null || !stats.isSymbolicLink()) {
        at = next;
        continue;
      }
      const text = readlinkSync(next);
      links.push({ at: next, text });
      if (links.length > MAX_LINKS) return { kind: 'missing', canonical: next, links };
      if (text.startsWith('/')) at = '/';
      stats = this.#stat(at);
      rest.push(
        ...text
          .split('/')
          .filter((part) => part !== '' && part !== '.')
          .reverse(),
      );
    }
    if (stats === null) return { kind: 'missing', canonical: at, links };
    return { kind: kindOf(stats), canonical: at, links, uid: stats.uid, gid: stats.gid };
  }

  #stat(path: string): Stats | null {
    let stats = this.#seen.get(path);
    if (stats === undefined) {
      stats = statOrNull(path);
      this.#seen.set(path, stats);
    }
    return stats;
  }
}

/** What stands at a path itself, a link not followed; null for nothing. */
export function statOrNull(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null; // a directory on the way may not be searched by this user
  }
}

function kindOf(stats: Stats): 'directory' | 'file' | 'device' | 'socket' | 'other' {
  if (stats.isDirectory()) return 'directory';
  if (stats.isFile()) return 'file';
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return 'device';
  return stats.isSocket() ? 'socket' : 'other';
}
