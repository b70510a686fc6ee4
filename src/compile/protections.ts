/**
 * Places inside writable host directories that the workload must not write (`protect`, openshell's own files) or see
 * (`deny`). Each becomes a mount of its own, and so does every directory between it and the writable one: a mount
 * point cannot be renamed away.
 */
import { byDepth, directoriesBetween, joinPath, liesIn } from '../base/path.ts';
import type { HostFacts, PathFact } from '../plan/facts.ts';
import type { Mount, Origin } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import { expandPath } from './listed-paths.ts';
import { GIT_FILE, PROTECTED_NAMES } from './protected-names.ts';
import type { ShownPath } from './shown-paths.ts';

export interface Protections {
  readonly mounts: readonly Mount[];
  /** Canonical paths that are masked: nothing below them is shown. */
  readonly denied: readonly string[];
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
  shown: readonly ShownPath[],
  facts: HostFacts,
  idmap: boolean,
): Protections {
  const collector = new Collector(shown, facts);
  const builtin: Origin = { kind: 'protected', line: null };
  for (const path of facts.ownFiles) collector.add(path, 'protect', builtin);
  for (const root of shown) {
    if (root.kind !== 'host' || !root.writable || !root.directory) continue;
    for (const name of PROTECTED_NAMES) collector.add(joinPath(root.source, name), 'protect', builtin);
    const git = joinPath(root.source, GIT_FILE);
    if (facts.paths.byPath.get(git)?.kind === 'file') collector.add(git, 'protect', builtin);
  }
  for (const { value, span } of policy?.filesystem?.protect ?? []) {
    collector.add(expandPath(value, facts.caller), 'protect', { kind: 'policy', line: span.line });
  }
  for (const { value, span } of policy?.filesystem?.deny ?? []) {
    collector.add(expandPath(value, facts.caller), 'mask', { kind: 'policy', line: span.line });
  }
  return collector.finish(idmap);
}

class Collector {
  readonly #shown: readonly ShownPath[];
  readonly #facts: HostFacts;
  readonly #effects = new Map<string, Effect>();
  readonly #warnings: string[] = [];
  readonly #notes: string[] = [];

  constructor(shown: readonly ShownPath[], facts: HostFacts) {
    this.#shown = shown;
    this.#facts = facts;
  }

  /** `path` is a path of the host. */
  add(path: string, kind: 'protect' | 'mask', origin: Origin): void {
    const fact = this.#facts.paths.byPath.get(path);
    if (fact === undefined || fact.kind === 'missing') {
      if (origin.kind === 'policy')
        this.#notes.push(
          `${path} does not exist on this host: \`${kind === 'mask' ? 'deny' : 'protect'}\` has nothing to hold there`,
        );
      return;
    }
    const holder = this.#holder(fact.canonical);
    if (holder === null) {
      /* An own file around a writable directory (the directory lies in openshell's installation). */
      if (kind === 'protect') this.#protectInside(fact, origin);
      return;
    }
    const link = fact.links.at(-1);
    if (link !== undefined && holder.writable && liesIn(link.at, holder.source)) {
      this.#warnings.push(
        `${link.at} is a symbolic link in a writable directory: what it leads to is held, the link itself is not`,
      );
    }
    if (!holder.writable && kind === 'protect') return;
    const inside = (host: string): string =>
      holder.source === holder.target ? host : holder.target + host.slice(holder.source.length);
    if (holder.writable) {
      for (const directory of directoriesBetween(holder.source, fact.canonical)) {
        this.#put(inside(directory), {
          kind: 'pin',
          fact: { ...fact, kind: 'directory', canonical: directory },
          source: directory,
          origin,
        });
      }
    }
    this.#put(inside(fact.canonical), { kind, fact, source: fact.canonical, origin });
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
      this.#warnings.push(
        `${root.target} lies in ${fact.canonical}, which belongs to openshell: it is shown read-only`,
      );
    }
  }

  /** The innermost shown host path that holds `canonical`. */
  #holder(canonical: string): ShownPath | null {
    let best: ShownPath | null = null;
    for (const shown of this.#shown) {
      if (shown.kind !== 'host' || !liesIn(canonical, shown.source)) continue;
      if (best === null || shown.source.length > best.source.length) best = shown;
    }
    return best;
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
    return { mounts, denied, warnings: this.#warnings, notes: this.#notes };
  }
}

function hold(target: string, effect: Effect, idmap: boolean): Mount {
  return {
    kind: 'bind',
    source: effect.source,
    target,
    writable: effect.kind === 'pin',
    devices: false,
    idmapOwner: idmap ? { uid: effect.fact.uid, gid: effect.fact.gid } : null,
    origin: effect.origin,
  };
}

function mask(target: string, effect: Effect): Mount {
  return effect.fact.kind === 'directory'
    ? { kind: 'private', target, writable: false, mode: 0, origin: effect.origin }
    : { kind: 'file', target, content: '', mode: 0, origin: effect.origin };
}
