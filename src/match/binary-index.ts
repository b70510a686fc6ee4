/** Policies by the programs that they name, for hosts that very many policies list. */

import type { BinaryRule } from './binary.ts';
import { matchesPath } from './binary.ts';
import type { BinaryIdentity } from './identity.ts';

interface Policy {
  readonly order: number;
  readonly binaries: readonly BinaryRule[];
}

export class BinaryIndex {
  readonly #exact = new Map<string, Set<number>>();
  readonly #globs = new Map<string, { readonly rule: BinaryRule; readonly policies: Set<number> }>();

  constructor(policies: readonly Policy[]) {
    for (const { order, binaries } of policies) for (const rule of binaries) this.#add(order, rule);
  }

  /**
   * The orders of the policies that have an entry whose path fits the caller or an ancestor, ascending. Whether the
   * entry also fits in its other conditions is for `matchBinary`. `visit` counts the globs that were tried.
   */
  policiesFor(identity: BinaryIdentity, visit?: () => void): number[] {
    const paths = new Set([identity.executable, ...identity.ancestors].map(({ path }) => path));
    const found = new Set<number>();
    for (const path of paths) for (const order of this.#exact.get(path) ?? []) found.add(order);
    for (const { rule, policies } of this.#globs.values()) {
      visit?.();
      for (const path of paths) {
        if (!matchesPath(rule, path)) continue;
        for (const order of policies) found.add(order);
        break;
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  #add(order: number, rule: BinaryRule): void {
    if (rule.glob !== null) {
      const known = this.#globs.get(rule.entry.pattern) ?? { rule, policies: new Set() };
      this.#globs.set(rule.entry.pattern, known);
      known.policies.add(order);
      return;
    }
    for (const path of [rule.entry.pattern, rule.entry.resolved]) {
      if (path === null) continue;
      const known = this.#exact.get(path) ?? new Set();
      this.#exact.set(path, known);
      known.add(order);
    }
  }
}
