/** Removes nodes that no way from the entry leads to. Those that stay get new labels, in the order of the old ones. */
import { type Ir, type Label, nodeAt, redirect, topologicalOrder } from '../ir.ts';
import type { Pass } from '../pass.ts';

export const removeDead: Pass = {
  name: 'remove-dead',
  run(ir: Ir) {
    const alive = topologicalOrder(ir).toSorted((a, b) => a - b);
    if (alive.length === ir.nodes.length) return { ir, changed: false };
    const renamed = new Map(alive.map((label, index) => [label, index]));
    const to = (label: Label): Label => renamed.get(label)!;
    const nodes = alive.map((label) => redirect(nodeAt(ir, label), to));
    return { ir: { entry: to(ir.entry), nodes }, changed: true };
  },
};
