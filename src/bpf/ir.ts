/**
 * The intermediate form: a graph of nodes with labels and no cycle. A label is the index of its node. Passes never
 * change a graph in place.
 */
import type { Action } from './action.ts';

export type Label = number;

export const ALL_ONES = 0xffff_ffff;

/** 32 bits of seccomp_data at an offset, of which those in `mask` are looked at. */
export interface Word {
  readonly offset: number;
  readonly mask: number;
}

/** One two-way question that BPF has an instruction for. `set`: word & k is not zero. */
export interface Test {
  readonly kind: 'test';
  readonly word: Word;
  readonly op: 'eq' | 'ge' | 'set';
  readonly k: number;
  readonly yes: Label;
  readonly no: Label;
  /** What must be done before the question: load and mask, mask only, or nothing, since A holds the word already. */
  readonly prepare: 'load' | 'mask' | 'nothing';
}

/** A question about a whole argument; lowered to tests of its halves. */
export interface Compare {
  readonly kind: 'compare';
  readonly arg: number;
  readonly width: 32 | 64;
  readonly op: 'eq' | 'ge';
  readonly mask: bigint;
  readonly value: bigint;
  readonly yes: Label;
  readonly no: Label;
}

/** Chooses by the number of the call; lowered to tests of the number. */
export interface Dispatch {
  readonly kind: 'dispatch';
  readonly cases: readonly { readonly nr: number; readonly weight: number; readonly to: Label }[];
  readonly otherwise: Label;
  /** Numbers from here on go to `foreign`. */
  readonly foreignFrom: number | null;
  readonly foreign: Label;
}

export interface Return {
  readonly kind: 'return';
  readonly action: Action;
}

export type Node = Test | Compare | Dispatch | Return;

export interface Ir {
  readonly entry: Label;
  readonly nodes: readonly Node[];
}

/** The node of a label; a missing one is a defect of the pass that left the label behind. */
export function nodeAt(ir: Ir, label: Label): Node {
  const node = ir.nodes[label];
  if (node === undefined) throw new Error(`internal error: label ${label} has no node`);
  return node;
}

/** Labels that a node leads to, in a fixed order. */
export function successors(node: Node): readonly Label[] {
  switch (node.kind) {
    case 'return':
      return [];
    case 'test':
    case 'compare':
      return [node.yes, node.no];
    case 'dispatch':
      return [...node.cases.map(({ to }) => to), node.otherwise, node.foreign];
  }
}

/** The same node with every label replaced; the very node when none changes. */
export function redirect(node: Node, to: (label: Label) => Label): Node {
  if (node.kind === 'return' || successors(node).every((label) => to(label) === label)) return node;
  if (node.kind !== 'dispatch') return { ...node, yes: to(node.yes), no: to(node.no) };
  return {
    ...node,
    cases: node.cases.map((one) => ({ ...one, to: to(one.to) })),
    otherwise: to(node.otherwise),
    foreign: to(node.foreign),
  };
}

/** Labels that can be reached from the entry, each before those it leads to; `also` lists further places to start. */
export function topologicalOrder(ir: Ir, also: readonly Label[] = []): readonly Label[] {
  const seen = new Uint8Array(ir.nodes.length);
  const postorder: Label[] = [];
  // A label is there to be visited, its complement to be put down once all that it leads to has been. The entry comes
  // last, and so to the front.
  const stack: number[] = [ir.entry, ...also];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top < 0) {
      postorder.push(~top);
      continue;
    }
    if (seen[top] === 1) continue;
    seen[top] = 1;
    stack.push(~top);
    const node = nodeAt(ir, top);
    if (node.kind === 'test' || node.kind === 'compare') stack.push(node.no, node.yes);
    else stack.push(...successors(node));
  }
  return postorder.reverse();
}

/** Appends nodes to a copy of a graph. */
export class GraphBuilder {
  readonly #nodes: Node[];

  constructor(nodes: readonly Node[] = []) {
    this.#nodes = [...nodes];
  }

  add(node: Node): Label {
    this.#nodes.push(node);
    return this.#nodes.length - 1;
  }

  /** Puts a node in the place of another, whose label it takes. */
  replace(label: Label, node: Node): void {
    this.#nodes[label] = node;
  }

  finish(entry: Label): Ir {
    return { entry, nodes: this.#nodes };
  }
}
