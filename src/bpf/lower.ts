/**
 * Turns what BPF has no instruction for into tests, in the plainest way: halves one after the other, numbers one after
 * the other. The passes do the same better and leave nothing to do here; with them off, this is the reference that
 * they are compared with.
 */
import { argumentOffset, NR_OFFSET } from './instruction.ts';
import {
  ALL_ONES,
  type Compare,
  type Dispatch,
  GraphBuilder,
  type Ir,
  type Label,
  type Node,
  type Test,
  type Word,
} from './ir.ts';

/** The low or high 32 bits of a 64-bit value. */
export const lowHalf = (value: bigint): number => Number(value & 0xffff_ffffn);
export const highHalf = (value: bigint): number => Number(value >> 32n);

/** A test that loads what it needs. */
export const test = (word: Word, op: Test['op'], k: number, yes: Label, no: Label): Test => ({
  kind: 'test',
  word,
  op,
  k,
  yes,
  no,
  prepare: 'load',
});

/** A graph in which every node is a test or a return. */
export function lowerPlainly(ir: Ir): Ir {
  const graph = new GraphBuilder(ir.nodes);
  for (const [label, node] of ir.nodes.entries()) {
    if (node.kind === 'compare') graph.replace(label, lowerCompare(graph, node));
    else if (node.kind === 'dispatch') graph.replace(label, lowerDispatch(graph, node));
  }
  return graph.finish(ir.entry);
}

function lowerCompare(graph: GraphBuilder, node: Compare): Node {
  const low = { offset: argumentOffset(node.arg, 'low'), mask: lowHalf(node.mask) };
  const lowTest = test(low, node.op, lowHalf(node.value), node.yes, node.no);
  if (node.width === 32) return lowTest;
  const high = { offset: argumentOffset(node.arg, 'high'), mask: highHalf(node.mask) };
  const k = highHalf(node.value);
  const same = test(high, 'eq', k, graph.add(lowTest), node.no);
  if (node.op === 'eq' || k === ALL_ONES) return same;
  return test(high, 'ge', k + 1, node.yes, graph.add(same));
}

function lowerDispatch(graph: GraphBuilder, node: Dispatch): Node {
  const word = { offset: NR_OFFSET, mask: ALL_ONES };
  let next = node.otherwise;
  for (const { nr, to } of node.cases.toReversed()) next = graph.add(test(word, 'eq', nr, to, next));
  // Also without another ABI there must be a node to stand in this place: every number is at least 0.
  if (node.foreignFrom === null) return test(word, 'ge', 0, next, next);
  return test(word, 'ge', node.foreignFrom, node.foreign, next);
}
