/** Looks at the paths that a compilation asks about, and at nothing else. */
import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { cleanPath, joinPath, parentOf } from '../base/path.ts';
import type { PathFact, PathFacts, SymbolicLink } from '../plan/facts.ts';

/** As the kernel's own bound (path_resolution(7)). */
const MAX_LINKS = 40;

export function lookAt(paths: readonly string[]): PathFacts {
  const byPath = new Map<string, PathFact>();
  const rootEntries = readdirSync('/').sort();
  const queue = [...paths, ...rootEntries.map((name) => joinPath('/', name))];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (byPath.has(path)) continue;
    const fact = lookAtOne(path);
    byPath.set(path, fact);
    for (const { at } of fact.links) if (!byPath.has(at)) queue.push(at);
  }
  return { byPath, rootEntries };
}

function lookAtOne(path: string): PathFact {
  try {
    const canonical = realpathSync.native(path);
    const stats = statSync(canonical);
    return { kind: kindOf(stats), canonical, links: canonical === path ? [] : follow(path).links, uid: stats.uid, gid: stats.gid };
  } catch {
    return { kind: 'missing', ...follow(path) };
  }
}

function kindOf(stats: Stats): 'directory' | 'file' | 'device' | 'socket' | 'other' {
  if (stats.isDirectory()) return 'directory';
  if (stats.isFile()) return 'file';
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return 'device';
  return stats.isSocket() ? 'socket' : 'other';
}

/** Walks the components of a path, noting each link. What does not exist is taken as it is written. */
function follow(path: string): { canonical: string; links: SymbolicLink[] } {
  const links: SymbolicLink[] = [];
  const rest = cleanPath(path).split('/').slice(1).reverse();
  let at = '/';
  while (rest.length > 0) {
    const name = rest.pop()!;
    if (name === '..') {
      at = parentOf(at);
      continue;
    }
    const next = joinPath(at, name);
    const text = linkText(next);
    if (text === null) {
      at = next;
      continue;
    }
    links.push({ at: next, text });
    if (links.length > MAX_LINKS) return { canonical: next, links };
    if (text.startsWith('/')) at = '/';
    rest.push(...text.split('/').filter((part) => part !== '' && part !== '.').reverse());
  }
  return { canonical: at, links };
}

function linkText(path: string): string | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : null;
  } catch {
    return null;
  }
}
