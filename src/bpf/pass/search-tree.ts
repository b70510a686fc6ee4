/**
 * Finds the number of a call by a search tree instead of one compare after the other. Numbers next to each other that
 * lead to the same place are one leaf; each cut halves the weight, so that frequent calls lie near the root.
 *
 * Only the number is read on the way: the kernel remembers calls that are allowed whatever their arguments are, and
 * skips the filter for them (kernel/seccomp.c, seccomp_cache_prepare).
 */
import { NR_OFFSET } from '../instruction.ts';
import { ALL_ONES, type Dispatch, GraphBuilder, type Ir, type Label, type Node } from '../ir.ts';
import { test } from '../lower.ts';
import type { Pass } from '../pass.ts';

/** Weight of the numbers between known calls: nearly nothing asks for them. */
const GAP_WEIGHT = 0.1;

interface Leaf {
  /** First number; the leaf ends where the next one starts. */
  readonly from: number;
  readonly to: Label;
  weight: number;
}

export const searchTree: Pass = {
  name: 'search-tree',
  run(ir: Ir) {
    const graph = new GraphBuilder(ir.nodes);
    let changed = false;
    for (const [label, node] of ir.nodes.entries()) {
      if (node.kind !== 'dispatch') continue;
      graph.replace(label, treeOf(graph, leavesOf(node)));
      changed = true;
    }
    return { ir: changed ? graph.finish(ir.entry) : ir, changed };
  },
};

/** Every number from 0 to 2^32 - 1, cut into ranges with one target each. */
function leavesOf(node: Dispatch): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const add = (from: number, to: Label, weight: number): void => {
    const last = leaves.at(-1);
    if (last?.to === to) last.weight += weight;
    else leaves.push({ from, to, weight });
  };
  let next = 0;
  for (const { nr, weight, to } of node.cases) {
    if (nr > next) add(next, node.otherwise, GAP_WEIGHT);
    add(nr, to, weight);
    next = nr + 1;
  }
  const end = node.foreignFrom ?? ALL_ONES + 1;
  if (next < end) add(next, node.otherwise, GAP_WEIGHT);
  if (end <= ALL_ONES) add(end, node.foreign, GAP_WEIGHT);
  return leaves;
}

function treeOf(graph: GraphBuilder, leaves: readonly Leaf[]): Node {
  const word = { offset: NR_OFFSET, mask: ALL_ONES };
  const sums = [0];
  for (const { weight } of leaves) sums.push(sums.at(-1)! + weight);
  const subtree = (start: number, end: number): Node | Label => {
    if (end - start === 1) return leaves[start]!.to;
    const cut = bestCut(sums, start, end);
    return test(word, 'ge', leaves[cut]!.from, place(cut, end), place(start, cut));
  };
  const place = (start: number, end: number): Label => {
    const tree = subtree(start, end);
    return typeof tree === 'number' ? tree : graph.add(tree);
  };
  const root = subtree(0, leaves.length);
  // One target for every number: a test that always holds stands in the dispatch's place.
  return typeof root === 'number' ? test(word, 'ge', 0, root, root) : root;
}

/** The first leaf of the right part, so that the two weights differ least. */
function bestCut(sums: readonly number[], start: number, end: number): number {
  const middle = (sums[start]! + sums[end]!) / 2;
  let cut = start + 1;
  while (cut < end - 1 && Math.abs(sums[cut + 1]! - middle) <= Math.abs(sums[cut]! - middle)) cut += 1;
  return cut;
}
