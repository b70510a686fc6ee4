/**
 * Lowers compares of arguments with as few instructions as their masks allow: a half that cannot matter is not read,
 * and a question about bits becomes one `jset` instead of `and` and `jeq`.
 */
import { argumentOffset } from '../instruction.ts';
import { ALL_ONES, type Compare, GraphBuilder, type Ir, type Label, type Test } from '../ir.ts';
import { highHalf, lowHalf, test } from '../lower.ts';
import type { Pass } from '../pass.ts';

export const lowerCompares: Pass = {
  name: 'lower-compares',
  run(ir: Ir) {
    const graph = new GraphBuilder(ir.nodes);
    let changed = false;
    for (const [label, node] of ir.nodes.entries()) {
      if (node.kind !== 'compare') continue;
      graph.replace(label, node.op === 'eq' ? lowerEqual(graph, node) : lowerAtLeast(graph, node));
      changed = true;
    }
    return { ir: changed ? graph.finish(ir.entry) : ir, changed };
  },
};

function lowerEqual(graph: GraphBuilder, node: Compare): Test {
  const half = (which: 'low' | 'high', yes: Label): Test => {
    const pick = which === 'low' ? lowHalf : highHalf;
    return equalBits(argumentOffset(node.arg, which), pick(node.mask), pick(node.value), yes, node.no);
  };
  if (node.width === 32 || highHalf(node.mask) === 0) return half('low', node.yes);
  if (lowHalf(node.mask) === 0) return half('high', node.yes);
  return half('low', graph.add(half('high', node.yes)));
}

/** (word & mask) == k */
function equalBits(offset: number, mask: number, k: number, yes: Label, no: Label): Test {
  const whole = { offset, mask: ALL_ONES };
  if (mask === ALL_ONES) return test(whole, 'eq', k, yes, no);
  if (k === 0) return test(whole, 'set', mask, no, yes);
  if (k === mask && (mask & (mask - 1)) === 0) return test(whole, 'set', mask, yes, no);
  return test({ offset, mask }, 'eq', k, yes, no);
}

function lowerAtLeast(graph: GraphBuilder, node: Compare): Test {
  const low = { offset: argumentOffset(node.arg, 'low'), mask: ALL_ONES };
  const lowTest = test(low, 'ge', lowHalf(node.value), node.yes, node.no);
  if (node.width === 32) return lowTest;
  const high = { offset: argumentOffset(node.arg, 'high'), mask: ALL_ONES };
  const k = highHalf(node.value);
  // With no low bits in the value the high half decides alone.
  if (lowHalf(node.value) === 0) return test(high, 'ge', k, node.yes, node.no);
  const same = test(high, 'eq', k, graph.add(lowTest), node.no);
  if (k === ALL_ONES) return same;
  return test(high, 'ge', k + 1, node.yes, graph.add(same));
}
