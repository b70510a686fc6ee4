/**
 * Finds, among many hosts and patterns, those that can match a name in common with a given one: a tree of labels from
 * the right, walked once for each question. Only the first label of a pattern can be `**` or hold `*` among other
 * characters (host.ts), so those stand at the leaves.
 */
import { type Budget, hostSteps, intersects, type Step } from './intersect.ts';
import type { Endpoint } from './policy.ts';

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  /** Labels such as `api-*`. */
  readonly partials: Map<string, Node<T>>;
  star: Node<T> | null;
  /** What ends here, and what ends here with `**` as one more label. */
  here: T | null;
  deep: T | null;
}

type HostOf = Pick<Endpoint, 'host' | 'hostKind'>;

/** One `T` for each host as it is written; `make` makes it when the host is first seen. */
export class HostIndex<T> {
  readonly #root: Node<T> = newNode();
  readonly #make: () => T;
  readonly #budget: Budget;
  readonly #all: T[] = [];
  /** Of labels that were compared, since each is compared often. */
  readonly #steps = new Map<string, readonly Step[]>();
  #any: T | null = null;

  constructor(make: () => T, budget: Budget) {
    this.#make = make;
    this.#budget = budget;
  }

  slot(endpoint: HostOf): T {
    if (endpoint.hostKind === 'any') {
      this.#any ??= this.#new();
      return this.#any;
    }
    let node = this.#root;
    for (const label of labelsOf(endpoint)) {
      if (label === '**') {
        node.deep ??= this.#new();
        return node.deep;
      }
      node = childFor(node, label);
    }
    node.here ??= this.#new();
    return node.here;
  }

  /** Calls `visit` for each host that can match a name that this one matches too, itself included. */
  overlapping(endpoint: HostOf, visit: (slot: T) => void): void {
    if (endpoint.hostKind === 'any') {
      for (const slot of this.#all) visit(slot);
      return;
    }
    if (this.#any !== null) visit(this.#any);
    this.#walk(this.#root, labelsOf(endpoint), 0, visit);
  }

  #new(): T {
    const slot = this.#make();
    this.#all.push(slot);
    return slot;
  }

  #walk(node: Node<T>, labels: readonly string[], at: number, visit: (slot: T) => void): void {
    this.#budget.steps -= 1;
    if (this.#budget.steps < 0) return;
    const label = labels[at];
    if (label === undefined) {
      if (node.here !== null) visit(node.here);
      return;
    }
    if (node.deep !== null) visit(node.deep);
    if (label === '**') {
      for (const child of childrenOf(node)) this.#below(child, visit);
      return;
    }
    if (!label.includes('*')) {
      const literal = node.literals.get(label);
      if (literal !== undefined) this.#walk(literal, labels, at + 1, visit);
      if (node.star !== null) this.#walk(node.star, labels, at + 1, visit);
      for (const [partial, child] of node.partials) {
        if (this.#meet(partial, label)) this.#walk(child, labels, at + 1, visit);
      }
      return;
    }
    if (node.star !== null) this.#walk(node.star, labels, at + 1, visit);
    for (const children of [node.literals, node.partials]) {
      for (const [other, child] of children) {
        if (label === '*' || this.#meet(other, label)) this.#walk(child, labels, at + 1, visit);
      }
    }
  }

  /** Everything at and below a node. */
  #below(node: Node<T>, visit: (slot: T) => void): void {
    this.#budget.steps -= 1;
    if (this.#budget.steps < 0) return;
    if (node.here !== null) visit(node.here);
    if (node.deep !== null) visit(node.deep);
    for (const child of childrenOf(node)) this.#below(child, visit);
  }

  #meet(a: string, b: string): boolean {
    return intersects(this.#stepsOf(a), this.#stepsOf(b), '.', this.#budget);
  }

  #stepsOf(label: string): readonly Step[] {
    const known = this.#steps.get(label);
    if (known !== undefined) return known;
    const steps = hostSteps(label);
    this.#steps.set(label, steps);
    return steps;
  }
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), partials: new Map(), star: null, here: null, deep: null };
}

/** From the right; an address is one label, so that no pattern meets it. */
function labelsOf({ host, hostKind }: HostOf): readonly string[] {
  return hostKind === 'address' ? [host.value] : host.value.split('.').reverse();
}

function childFor<T>(node: Node<T>, label: string): Node<T> {
  if (label === '*') {
    node.star ??= newNode();
    return node.star;
  }
  const children = label.includes('*') ? node.partials : node.literals;
  const known = children.get(label);
  if (known !== undefined) return known;
  const child: Node<T> = newNode();
  children.set(label, child);
  return child;
}

function* childrenOf<T>(node: Node<T>): Generator<Node<T>> {
  yield* node.literals.values();
  yield* node.partials.values();
  if (node.star !== null) yield node.star;
}
