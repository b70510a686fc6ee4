/**
 * What the listed paths come to on this host: directories and files of the host that are shown, and private
 * directories. Paths are canonical; what a parent already shows with the same access is left out.
 */
import { byDepth, joinPath, liesIn, parentOf } from '../base/path.ts';
import type { HostFacts, PathFact, SymbolicLink } from '../plan/facts.ts';
import type { Origin } from '../plan/plan.ts';
import { DEVICES } from './devices.ts';
import type { CompileProblem } from './input.ts';
import { type ListedPath, OWN_TREES } from './listed-paths.ts';

export interface ShownPath {
  readonly kind: 'host' | 'private';
  /** Inside. */
  readonly target: string;
  /** On the host; equal to `target` but for `--home`. */
  readonly source: string;
  readonly writable: boolean;
  readonly directory: boolean;
  readonly device: boolean;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Mode of a private directory. */
  readonly mode: number;
  readonly origin: Origin;
}

export interface Shown {
  readonly paths: readonly ShownPath[];
  /** Directories of the host that are listed as writable, those too that a parent shows already; canonical. */
  readonly writableRoots: readonly string[];
  /** Symbolic links to make where no shown directory holds them. */
  readonly links: readonly { readonly link: SymbolicLink; readonly origin: Origin }[];
  readonly notes: readonly string[];
  readonly problems: readonly CompileProblem[];
}

const BUILTIN: Origin = { kind: 'builtin', line: null };

export function shownPaths(listed: readonly ListedPath[], facts: HostFacts, keptHome: string | null): Shown {
  const collector = new Collector(facts);
  for (const entry of listed) collector.list(entry);
  collector.addBuiltins(keptHome);
  return collector.finish();
}

class Collector {
  readonly #facts: HostFacts;
  readonly #host = new Map<string, ShownPath>();
  readonly #wanted: ListedPath[] = [];
  readonly #private = new Map<string, ShownPath>();
  readonly #links = new Map<string, { link: SymbolicLink; origin: Origin }>();
  readonly #notes: string[] = [];
  readonly #problems: CompileProblem[] = [];

  constructor(facts: HostFacts) {
    this.#facts = facts;
  }

  list(entry: ListedPath): void {
    if (entry.path === '/') {
      this.#listRoot(entry);
      return;
    }
    const own = OWN_TREES.find((tree) => liesIn(entry.path, tree));
    if (own === '/proc' || entry.path === own || DEVICES.some(({ path }) => path === entry.path)) return;
    if (own === '/dev' && /^\/dev\/(pts|shm|fd|ptmx|std(in|out|err))(\/|$)/.test(entry.path)) return;
    const fact = this.#fact(entry.path);
    for (const link of fact.links) this.#remember(link, entry.origin);
    if (fact.kind === 'missing') this.#missing(entry, fact.canonical);
    else this.#show(entry, fact);
  }

  /** `/` read-only means everything in it, by name: the root itself is ours. */
  #listRoot(entry: ListedPath): void {
    if (entry.writable) {
      this.#problems.push({
        message: '`/` cannot be writable inside the sandbox',
        hint: 'start in another directory, or choose one with `--workdir DIR`',
        line: entry.origin.line,
      });
      return;
    }
    for (const name of this.#facts.paths.rootEntries) {
      const path = joinPath('/', name);
      if (!OWN_TREES.includes(path)) this.list({ ...entry, path });
    }
  }

  #fact(path: string): PathFact {
    return this.#facts.paths.byPath.get(path) ?? { kind: 'missing', canonical: path, links: [] };
  }

  #remember(link: SymbolicLink, origin: Origin): void {
    if (!this.#links.has(link.at)) this.#links.set(link.at, { link, origin });
  }

  #missing(entry: ListedPath, canonical: string): void {
    if (entry.writable) this.#wanted.push({ ...entry, path: canonical });
    else if (entry.origin.kind === 'policy' || entry.origin.kind === 'flag') {
      this.#notes.push(`${entry.path} does not exist on this host and is not shown`);
    }
  }

  #show(entry: ListedPath, fact: Exclude<PathFact, { kind: 'missing' }>): void {
    const known = this.#host.get(fact.canonical);
    if (known !== undefined && (known.writable || !entry.writable)) return;
    this.#host.set(fact.canonical, {
      kind: 'host',
      target: fact.canonical,
      source: fact.canonical,
      writable: entry.writable,
      directory: fact.kind === 'directory',
      device: fact.kind === 'device' || liesIn(fact.canonical, '/dev'),
      owner: { uid: fact.uid, gid: fact.gid },
      mode: 0,
      origin: entry.origin,
    });
  }

  addBuiltins(keptHome: string | null): void {
    for (const name of this.#facts.paths.rootEntries) {
      const fact = this.#fact(joinPath('/', name));
      for (const link of fact.links) if (parentOf(link.at) === '/') this.#remember(link, BUILTIN);
    }
    this.#addPrivate('/tmp', 0o1777, BUILTIN);
    this.#addPrivate('/dev/shm', 0o1777, BUILTIN);
    const home = this.#fact(this.#facts.caller.home);
    for (const link of home.links) this.#remember(link, BUILTIN);
    if (keptHome !== null) this.#showHome(home.canonical, keptHome);
    else if (!this.#covering(home.canonical)) this.#addPrivate(home.canonical, 0o700, BUILTIN);
  }

  #showHome(target: string, source: string): void {
    const fact = this.#fact(source);
    if (fact.kind !== 'directory') {
      this.#problems.push({
        message: `--home: ${source} is not a directory`,
        hint: 'create it first',
        line: null,
      });
      return;
    }
    this.#host.set(target, {
      kind: 'host',
      target,
      source: fact.canonical,
      writable: true,
      directory: true,
      device: false,
      owner: { uid: fact.uid, gid: fact.gid },
      mode: 0,
      origin: { kind: 'flag', line: null },
    });
  }

  #addPrivate(target: string, mode: number, origin: Origin): void {
    this.#private.set(target, {
      kind: 'private',
      target,
      source: target,
      writable: true,
      directory: true,
      device: false,
      owner: { uid: 0, gid: 0 },
      mode,
      origin,
    });
  }

  /** The nearest host directory that shows `path` already. */
  #covering(path: string, below = false): ShownPath | null {
    let best: ShownPath | null = null;
    for (const shown of this.#host.values()) {
      if (!shown.directory || !liesIn(path, shown.target) || (below && shown.target === path)) continue;
      if (best === null || shown.target.length > best.target.length) best = shown;
    }
    return best;
  }

  finish(): Shown {
    for (const entry of this.#wanted.sort((a, b) => byDepth(a.path, b.path))) this.#makePrivate(entry);
    const paths = [...this.#host.values(), ...this.#private.values()]
      .sort((a, b) => byDepth(a.target, b.target))
      .filter((shown, _i, all) => !this.#redundant(shown, all));
    const links = [...this.#links.values()]
      .filter(({ link }) => !paths.some(({ target }) => liesIn(link.at, target) || liesIn(target, link.at)))
      .sort((a, b) => byDepth(a.link.at, b.link.at));
    return {
      paths,
      writableRoots: [...this.#host.values()]
        .filter(({ writable, directory }) => writable && directory)
        .map(({ source }) => source),
      links: links.filter(({ link }) => this.#leadsSomewhere(link, paths)),
      notes: this.#notes,
      problems: this.#problems,
    };
  }

  /** A writable path that does not exist is a private directory, except where a shown directory of the host has its place. */
  #makePrivate(entry: ListedPath): void {
    const holder = this.#covering(entry.path);
    const privateHolder = [...this.#private.keys()].some((target) => liesIn(entry.path, target));
    if (holder === null || privateHolder) {
      this.#addPrivate(entry.path, 0o755, entry.origin);
    } else if (holder.writable) {
      this.#notes.push(
        `${entry.path} does not exist yet; the program may create it, since ${holder.target} is writable`,
      );
    } else {
      this.#problems.push({
        message: `read_write path ${entry.path} does not exist, and ${holder.target} that would hold it is read-only`,
        hint: 'create it on the host, or choose a place that is not below a read-only path',
        line: entry.origin.line,
      });
    }
  }

  /** Whether the nearest parent shows it in the same way: then a mount of its own adds nothing. */
  #redundant(shown: ShownPath, all: readonly ShownPath[]): boolean {
    if (shown.kind === 'private') return false;
    let nearest: ShownPath | null = null;
    for (const other of all) {
      if (other.target === shown.target || !liesIn(shown.target, other.target)) continue;
      if (nearest === null || other.target.length > nearest.target.length) nearest = other;
    }
    if (nearest === null || nearest.kind === 'private' || nearest.source !== nearest.target) return false;
    return (nearest.writable || !shown.writable) && nearest.device === shown.device;
  }

  /** A link of the root directory is made only when it leads to something that can be seen. */
  #leadsSomewhere(link: SymbolicLink, paths: readonly ShownPath[]): boolean {
    const fact = this.#fact(link.at);
    return (
      fact.kind !== 'missing' &&
      paths.some(({ target }) => liesIn(fact.canonical, target) || liesIn(target, fact.canonical))
    );
  }
}
