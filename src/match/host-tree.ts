/**
 * Host patterns as a tree of labels from the right, so that the work of a lookup depends on the labels of the host and
 * not on the number of rules.
 */
import type { HostPattern, PartialLabel } from './host-pattern.ts';
import { matchesPartial } from './host-pattern.ts';

/** What hangs at a place in the tree; the caller says what it is. */
export class HostTree<T> {
  readonly #root = new Node<T>();

  /** The value at the place of a pattern, made by `create` when there is none yet. */
  at(pattern: HostPattern, create: () => T): T {
    let node = this.#root;
    for (const label of pattern.rest) node = node.child(label);
    const { first } = pattern;
    switch (first.kind) {
      case 'literal': {
        const leaf = node.child(first.label);
        leaf.end ??= create();
        return leaf.end;
      }
      case 'one':
        node.one ??= create();
        return node.one;
      case 'deep':
        node.deep ??= create();
        return node.deep;
      case 'partial':
        return node.partials.at(first.partial, create);
    }
  }

  /** The values of all patterns that match the name, in no order; `visit` counts the places looked at. */
  find(name: string, visit?: () => void): T[] {
    const labels = name.split('.').reverse();
    const found: T[] = [];
    let level: Node<T>[] = [this.#root];
    for (const [i, label] of labels.entries()) {
      const last = i === labels.length - 1;
      const next: Node<T>[] = [];
      for (const node of level) {
        visit?.();
        if (node.deep !== undefined) found.push(node.deep);
        if (last && node.one !== undefined) found.push(node.one);
        if (last) node.partials.find(label, found, visit);
        const literal = node.children.get(label);
        if (literal !== undefined) next.push(literal);
        if (node.star !== undefined) next.push(node.star);
      }
      level = next;
    }
    for (const node of level) if (node.end !== undefined) found.push(node.end);
    return found;
  }
}

class Node<T> {
  readonly children = new Map<string, Node<T>>();
  star: Node<T> | undefined;
  end: T | undefined;
  one: T | undefined;
  deep: T | undefined;
  readonly partials = new Partials<T>();

  child(label: string | null): Node<T> {
    if (label === null) {
      this.star ??= new Node();
      return this.star;
    }
    let node = this.children.get(label);
    if (node === undefined) {
      node = new Node();
      this.children.set(label, node);
    }
    return node;
  }
}

interface Bucket<T> {
  readonly prefixLength: number;
  readonly suffixLength: number;
  readonly byEnds: Map<string, { readonly partial: PartialLabel; readonly value: T }[]>;
}

/** Patterns such as `a*-b`, found by their fixed ends: one lookup for each pair of lengths that occurs. */
class Partials<T> {
  readonly #buckets = new Map<string, Bucket<T>>();

  at(partial: PartialLabel, create: () => T): T {
    const { prefix, middles, suffix } = partial;
    const lengths = `${prefix.length} ${suffix.length}`;
    let bucket = this.#buckets.get(lengths);
    if (bucket === undefined) {
      bucket = { prefixLength: prefix.length, suffixLength: suffix.length, byEnds: new Map() };
      this.#buckets.set(lengths, bucket);
    }
    const ends = `${prefix} ${suffix}`;
    const list = bucket.byEnds.get(ends) ?? [];
    bucket.byEnds.set(ends, list);
    const known = list.find((entry) => entry.partial.middles.join('*') === middles.join('*'));
    if (known !== undefined) return known.value;
    const value = create();
    list.push({ partial, value });
    return value;
  }

  find(label: string, found: T[], visit?: () => void): void {
    for (const { prefixLength, suffixLength, byEnds } of this.#buckets.values()) {
      if (prefixLength + suffixLength > label.length) continue;
      const prefix = label.slice(0, prefixLength);
      const suffix = label.slice(label.length - suffixLength);
      for (const { partial, value } of byEnds.get(`${prefix} ${suffix}`) ?? []) {
        visit?.();
        if (matchesPartial(partial, label)) found.push(value);
      }
    }
  }
}
