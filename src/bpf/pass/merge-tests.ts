/** Makes questions one that ask the same and lead to the same places: many calls end in the same few tests. */
import { type Ir, type Label, type Node, nodeAt, redirect, topologicalOrder } from '../ir.ts';
import type { Pass } from '../pass.ts';

export const mergeTests: Pass = {
  name: 'merge-tests',
  run(ir: Ir) {
    const nodes: Node[] = [...ir.nodes];
    const first = new Map<string, Label>();
    const same = new Map<Label, Label>();
    const to = (label: Label): Label => same.get(label) ?? label;
    // From the leaves up: where two nodes lead has been made one before they are compared.
    for (const label of topologicalOrder(ir).toReversed()) {
      const node = redirect(nodeAt(ir, label), to);
      nodes[label] = node;
      const key = keyOf(node);
      if (key === null) continue;
      const known = first.get(key);
      if (known === undefined) first.set(key, label);
      else same.set(label, known);
    }
    // The copies stay behind, where no way leads any more, for `remove-dead`.
    return same.size === 0 ? { ir, changed: false } : { ir: { entry: to(ir.entry), nodes }, changed: true };
  },
};

function keyOf(node: Node): string | null {
  switch (node.kind) {
    case 'test':
      return ['test', node.word.offset, node.word.mask, node.op, node.k, node.yes, node.no].join(' ');
    case 'compare':
      return [node.kind, node.arg, node.width, node.op, node.mask, node.value, node.yes, node.no].join(' ');
    default:
      return null;
  }
}
