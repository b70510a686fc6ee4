/** Rules found by patterns for one text of what is judged, as the name of a tool or of a field. */
import { compileGlob, type Glob, parseGlob } from '../base/glob.ts';
import { ByPolicy } from './by-policy.ts';
import type { Grants } from './grants.ts';
import { PathTree } from './path-tree.ts';
import { earlier, type PlacedRule, type RuleKind } from './placed-rule.ts';

type Separator = '.' | '/';

/**
 * OpenShell documents `.` as the separator of these texts; an operator who denies `admin*` hardly means to let
 * `admin.delete` pass. So deny rules hold where either reading matches, allow rules only where `*` stops at a dot.
 */
const SEPARATORS: Readonly<Record<RuleKind, readonly Separator[]>> = { allow: ['.'], deny: ['.', '/'] };

export class TextRules<T extends PlacedRule> {
  readonly #trees: readonly { readonly separator: Separator; readonly tree: PathTree<ByPolicy<T>> }[];

  constructor(kind: RuleKind) {
    this.#trees = SEPARATORS[kind].map((separator) => ({ separator, tree: new PathTree() }));
  }

  /** Unreadable patterns, which no checked policy has, find nothing: see `matcherOf`. */
  add(pattern: string, entry: T): void {
    for (const { separator, tree } of this.#trees) {
      const parsed = parseGlob(pattern, separator);
      if (!parsed.ok) continue;
      for (const alternative of parsed.value) tree.at(alternative, () => new ByPolicy()).add(entry);
    }
  }

  first(text: string, grants: Grants, fits: (entry: T) => boolean, visit?: () => void): T | null {
    let found: T | null = null;
    for (const { separator, tree } of this.#trees) {
      for (const rules of tree.find(text.split(separator), visit))
        found = earlier(found, rules.first(grants, fits, visit));
    }
    return found;
  }
}

export type TextMatcher = (text: string) => boolean;

/** Whether one of the patterns matches. Null: one cannot be read, so nothing is known to match. */
export function matcherOf(patterns: readonly string[], kind: RuleKind): TextMatcher | null {
  const globs: Glob[] = [];
  for (const pattern of patterns) {
    for (const separator of SEPARATORS[kind]) {
      const glob = compileGlob(pattern, separator);
      if (!glob.ok) return null;
      globs.push(glob.value);
    }
  }
  return (text) => globs.some((glob) => glob.test(text));
}
