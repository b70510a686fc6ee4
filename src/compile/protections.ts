/**
 * Places inside writable host directories that the workload must not write (`protect`, openshell's own files) or see
 * (`deny`). Each becomes a mount of its own, and so does every directory between it and the writable one: a mount
 * point cannot be renamed away.
 */
import { byDepth, directoriesBetween, joinPath, liesIn } from '../base/path.ts';
import type { HostFacts, PathFact } from '../plan/facts.ts';
import type { HostTrust, Mount, Origin } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import type { CompileProblem } from './input.ts';
import { expandPath } from './listed-paths.ts';
import { PROTECTED_NAMES, REPOSITORY_NAMES } from './protected-names.ts';
import type { Shown, ShownPath } from './shown-paths.ts';

export interface Protections {
  readonly mounts: readonly Mount[];
  /** Canonical paths that are masked: nothing below them is shown. */
  readonly denied: readonly string[];
  readonly hostTrust: HostTrust;
  readonly problems: readonly CompileProblem[];
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

type Existing = Exclude<PathFact, { kind: 'missing' }>;
type Effect = {
  readonly kind: 'pin' | 'protect' | 'mask';
  readonly fact: Existing;
  readonly source: string;
  readonly origin: Origin;
};
const STRENGTH = { pin: 0, protect: 1, mask: 2 };

export function protections(
  policy: Policy | null,
  shown: Shown,
  facts: HostFacts,
  idmap: boolean,
  secretFiles: readonly string[] = [],
): Protections {
  const collector = new Collector(shown.paths, facts);
  for (const path of facts.ownFiles) collector.addOwn(path, 'protect');
  for (const path of secretFiles) collector.addOwn(path, 'mask');
  for (const root of shown.writableRoots)
    for (const name of PROTECTED_NAMES) collector.addTrusted(joinPath(root, name));
  for (const { path, kind } of facts.repositories.found) {
    if (kind === 'file') collector.addTrusted(path);
    for (const name of REPOSITORY_NAMES[kind]) collector.addTrusted(joinPath(path, name));
  }
  for (const { value, span } of policy?.filesystem?.protect ?? []) {
    collector.add(expandPath(value, facts.caller), 'protect', { kind: 'policy', line: span.line });
  }
  for (const { value, span } of policy?.filesystem?.deny ?? []) {
    collector.add(expandPath(value, facts.caller), 'mask', { kind: 'policy', line: span.line });
  }
  return collector.finish(idmap);
}

const BUILTIN: Origin = { kind: 'protected', line: null };

class Collector {
  readonly #shown: readonly ShownPath[];
  readonly #facts: HostFacts;
  readonly #effects = new Map<string, Effect>();
  readonly #absent: string[] = [];
  readonly #problems: CompileProblem[] = [];
  readonly #warnings = new Set<string>();
  readonly #notes: string[] = [];

  constructor(shown: readonly ShownPath[], facts: HostFacts) {
    this.#shown = shown;
    this.#facts = facts;
    if (!facts.repositories.complete)
      this.#warnings.add(
        'there are more directories in the writable ones than are searched for git repositories: hooks and settings of some are not protected',
      );
  }

  /** A file of openshell itself, or of the operator's secrets. Whoever can replace a link on the way to it can replace it. */
  addOwn(path: string, kind: 'protect' | 'mask'): void {
    const fact = this.#fact(path);
    const link = fact?.links.find(({ at }) => this.#writable(at));
    if (fact !== undefined && link !== undefined) {
      this.#problems.push({
        message: `${path} is reached by the symbolic link ${link.at}, which the program could replace`,
        hint: `name it by its real path, ${fact.canonical}, or start in another directory (the cache is below XDG_CACHE_HOME)`,
        line: null,
      });
    }
    this.add(path, kind, BUILTIN);
  }

  /** A name that programs of the host trust. */
  addTrusted(path: string): void {
    if (this.#fact(path)?.kind === 'missing') this.#absent.push(path);
    this.add(path, 'protect', BUILTIN);
  }

  /** `path` is a path of the host. */
  add(path: string, kind: 'protect' | 'mask', origin: Origin): void {
    const fact = this.#fact(path);
    if (fact === undefined || fact.kind === 'missing') {
      if (origin.kind === 'policy')
        this.#notes.push(
          `${path} does not exist on this host: \`${kind === 'mask' ? 'deny' : 'protect'}\` has nothing to hold there`,
        );
      return;
    }
    const link = fact.links.find(({ at }) => this.#writable(at));
    if (link !== undefined) {
      this.#warnings.add(
        `${link.at} is a symbolic link in a writable directory: what it leads to is held, the link itself is not`,
      );
    }
    const holders = this.#holders(fact.canonical);
    /* An own file around a writable directory (the directory lies in openshell's installation). */
    if (holders.length === 0 && kind === 'protect') this.#protectInside(fact, origin);
    for (const holder of holders) this.#hold(fact, holder, kind, origin);
  }

  #fact(path: string): PathFact | undefined {
    return this.#facts.paths.byPath.get(path);
  }

  #writable(path: string): boolean {
    return this.#shown.some(
      ({ kind, writable, source }) => kind === 'host' && writable && liesIn(path, source),
    );
  }

  #hold(fact: Existing, holder: ShownPath, kind: 'protect' | 'mask', origin: Origin): void {
    if (!holder.writable && kind === 'protect') return;
    if (holder.writable) {
      for (const directory of directoriesBetween(holder.source, fact.canonical)) {
        this.#put(inside(holder, directory), {
          kind: 'pin',
          fact: { ...fact, kind: 'directory', canonical: directory },
          source: directory,
          origin,
        });
      }
    }
    this.#put(inside(holder, fact.canonical), { kind, fact, source: fact.canonical, origin });
  }

  #protectInside(fact: Existing, origin: Origin): void {
    for (const root of this.#shown) {
      if (root.kind !== 'host' || !root.writable || !liesIn(root.source, fact.canonical)) continue;
      this.#put(root.target, {
        kind: 'protect',
        fact: { ...fact, kind: root.directory ? 'directory' : 'file', canonical: root.source },
        source: root.source,
        origin,
      });
      this.#warnings.add(
        `${root.target} lies in ${fact.canonical}, which belongs to openshell: it is shown read-only`,
      );
    }
  }

  /** What shows `canonical`, once per place where it can be seen: `--home` may show a directory a second time. */
  #holders(canonical: string): ShownPath[] {
    return this.#shown.filter((shown) => {
      if (shown.kind !== 'host' || !liesIn(canonical, shown.source)) return false;
      const target = inside(shown, canonical);
      const covers = (other: ShownPath): boolean =>
        other.target.length > shown.target.length && liesIn(target, other.target);
      return !this.#shown.some(covers);
    });
  }

  #put(target: string, effect: Effect): void {
    const known = this.#effects.get(target);
    if (known === undefined || STRENGTH[effect.kind] > STRENGTH[known.kind])
      this.#effects.set(target, effect);
  }

  finish(idmap: boolean): Protections {
    const denied = [...this.#effects].filter(([, { kind }]) => kind === 'mask').map(([target]) => target);
    const mounts: Mount[] = [];
    for (const [target, effect] of [...this.#effects].sort(([a], [b]) => byDepth(a, b))) {
      if (denied.some((path) => path !== target && liesIn(target, path))) continue;
      mounts.push(effect.kind === 'mask' ? mask(target, effect) : hold(target, effect, idmap));
    }
    return {
      mounts,
      denied,
      hostTrust: { absent: this.#absent, unheld: [], repositories: this.#facts.repositories },
      problems: this.#problems,
      warnings: [...this.#warnings],
      notes: this.#notes,
    };
  }
}

/** Where a path of the host that `holder` holds is inside. */
const inside = ({ source, target }: ShownPath, host: string): string =>
  source === target ? host : target + host.slice(source.length);

function hold(target: string, effect: Effect, idmap: boolean): Mount {
  return {
    kind: 'bind',
    source: effect.source,
    target,
    writable: effect.kind === 'pin',
    devices: false,
    kept: false,
    idmapOwner: idmap ? { uid: effect.fact.uid, gid: effect.fact.gid } : null,
    origin: effect.origin,
  };
}

function mask(target: string, effect: Effect): Mount {
  return effect.fact.kind === 'directory'
    ? { kind: 'private', target, writable: false, mode: 0, origin: effect.origin }
    : { kind: 'file', target, content: '', mode: 0, origin: effect.origin };
}
