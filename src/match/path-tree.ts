/**
 * Path patterns as a tree of their components, so that the work of a lookup depends on the path and on the patterns that
 * share a beginning with it, not on how many patterns there are.
 */
import { type GlobComponent, type GlobPiece, matchPieces } from '../base/glob.ts';

/** What hangs at a place in the tree; the caller says what it is. */
export class PathTree<T> {
  readonly #root = new Node<T>();
  #empty = true;

  /** The value at the place of a pattern, made by `create` when there is none yet. */
  at(pattern: readonly GlobComponent[], create: () => T): T {
    this.#empty = false;
    let node = this.#root;
    for (const [i, component] of pattern.entries()) {
      if (component !== 'deep') node = node.child(component);
      else if (i === pattern.length - 1) {
        node.below ??= create();
        return node.below;
      } else if (pattern[i + 1] !== 'deep') {
        node.deep ??= new Node(true);
        node = node.deep;
      }
    }
    node.end ??= create();
    return node.end;
  }

  /** The values of all patterns that match, each once, in no order; `visit` counts the places looked at. */
  find(components: readonly string[], visit?: () => void): T[] {
    if (this.#empty) return [];
    const found = new Set<T>();
    let level = new Set([this.#root]);
    for (const component of components) {
      const next = new Set<Node<T>>();
      // Grows while it is walked: `**` may stand for no component.
      for (const node of level) {
        visit?.();
        if (node.below !== undefined) found.add(node.below);
        if (node.deep !== undefined) level.add(node.deep);
        if (node.repeats) next.add(node);
        const literal = node.literals.get(component);
        if (literal !== undefined) next.add(literal);
        if (node.one !== undefined) next.add(node.one);
        node.wild?.find(component, next, visit);
      }
      level = next;
    }
    for (const node of level) if (node.end !== undefined) found.add(node.end);
    return [...found];
  }
}

class Node<T> {
  /** Stays when a component passes: it is behind `**`. */
  readonly repeats: boolean;
  readonly literals = new Map<string, Node<T>>();
  /** Behind `*`. */
  one: Node<T> | undefined;
  /** Behind other patterns. */
  wild: WildComponents<T> | undefined;
  /** Behind `**`. */
  deep: Node<T> | undefined;
  /** Of a pattern that ends here. */
  end: T | undefined;
  /** Of a pattern that ends in `**` here. */
  below: T | undefined;

  constructor(repeats = false) {
    this.repeats = repeats;
  }

  child(pieces: readonly GlobPiece[]): Node<T> {
    if (pieces.length === 1 && pieces[0]!.kind === 'star') {
      this.one ??= new Node();
      return this.one;
    }
    const text = literalStart(pieces);
    if (text.length < pieces.length) {
      this.wild ??= new WildComponents();
      return this.wild.at(pieces);
    }
    let node = this.literals.get(text);
    if (node === undefined) {
      node = new Node();
      this.literals.set(text, node);
    }
    return node;
  }
}

interface Bucket<T> {
  readonly prefixLength: number;
  readonly suffixLength: number;
  readonly byEnds: Map<
    string,
    Map<string, { readonly pieces: readonly GlobPiece[]; readonly node: Node<T> }>
  >;
}

/** Components such as `a*b`, found by their fixed ends: one look for each pair of lengths that occurs. */
class WildComponents<T> {
  readonly #buckets = new Map<string, Bucket<T>>();

  at(pieces: readonly GlobPiece[]): Node<T> {
    const prefix = literalStart(pieces);
    const suffix = literalEnd(pieces);
    const lengths = `${prefix.length} ${suffix.length}`;
    const bucket = this.#buckets.get(lengths) ?? {
      prefixLength: prefix.length,
      suffixLength: suffix.length,
      byEnds: new Map(),
    };
    this.#buckets.set(lengths, bucket);
    const ends = `${prefix}/${suffix}`;
    const same = bucket.byEnds.get(ends) ?? new Map();
    bucket.byEnds.set(ends, same);
    const key = JSON.stringify(pieces);
    const known = same.get(key) ?? { pieces, node: new Node<T>() };
    same.set(key, known);
    return known.node;
  }

  find(text: string, found: Set<Node<T>>, visit?: () => void): void {
    for (const { prefixLength, suffixLength, byEnds } of this.#buckets.values()) {
      if (prefixLength + suffixLength > text.length) continue;
      const ends = `${text.slice(0, prefixLength)}/${text.slice(text.length - suffixLength)}`;
      for (const { pieces, node } of byEnds.get(ends)?.values() ?? []) {
        visit?.();
        if (matchPieces(pieces, text)) found.add(node);
      }
    }
  }
}

function literalStart(pieces: readonly GlobPiece[]): string {
  let text = '';
  for (const piece of pieces) {
    if (piece.kind !== 'char') break;
    text += String.fromCharCode(piece.code);
  }
  return text;
}

const literalEnd = (pieces: readonly GlobPiece[]): string =>
  [...literalStart([...pieces].reverse())].reverse().join('');
