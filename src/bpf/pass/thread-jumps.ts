/**
 * An exit that leads to a test whose answer is already known goes straight to where that test would lead. So rules
 * that begin with the same question (the level of setsockopt, say) ask it once.
 */
import { type Ir, type Label, type Node, nodeAt, successors, type Test, topologicalOrder } from '../ir.ts';
import type { Pass } from '../pass.ts';
import { answer, type Facts, learn, meet, NO_FACTS } from '../word-facts.ts';

export const threadJumps: Pass = {
  name: 'thread-jumps',
  run(ir: Ir) {
    const nodes: Node[] = [...ir.nodes];
    const known = new Map<Label, Facts>([[ir.entry, NO_FACTS]]);
    let changed = false;
    const arrive = (label: Label, facts: Facts): void => {
      // Nothing is asked behind a return, and many ways lead to each.
      if (nodeAt(ir, label).kind === 'return') return;
      const before = known.get(label);
      known.set(label, before === undefined ? facts : meet(before, facts));
    };
    // Targets only move further down, so every way to a node is known when its turn comes.
    for (const label of topologicalOrder(ir)) {
      const node = nodeAt(ir, label);
      const facts = known.get(label);
      // No way leads here any more: a later pass removes it.
      if (facts === undefined) continue;
      if (node.kind !== 'test') {
        for (const next of successors(node)) arrive(next, facts);
        continue;
      }
      const onYes = learn(facts, node, true);
      const onNo = learn(facts, node, false);
      const yes = thread(ir, node.yes, onYes);
      const no = thread(ir, node.no, onNo);
      arrive(yes, onYes);
      arrive(no, onNo);
      if (yes === node.yes && no === node.no) continue;
      nodes[label] = { ...node, yes, no } satisfies Test;
      changed = true;
    }
    return { ir: changed ? { entry: ir.entry, nodes } : ir, changed };
  },
};

/** Follows tests that the facts answer, and those whose two exits are one. */
function thread(ir: Ir, start: Label, facts: Facts): Label {
  let label = start;
  for (;;) {
    const node = nodeAt(ir, label);
    if (node.kind !== 'test') return label;
    if (node.yes === node.no) label = node.yes;
    else {
      const outcome = answer(facts, node);
      if (outcome === null) return label;
      label = outcome ? node.yes : node.no;
    }
  }
}
