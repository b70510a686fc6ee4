/** Removes nodes that no way from the entry leads to. */
import { type Ir, topologicalOrder } from '../ir.ts';
import type { Pass } from '../passes.ts';

export const removeDead: Pass = {
  name: 'remove-dead',
  run(ir: Ir) {
    const alive = new Set(topologicalOrder(ir));
    let changed = false;
    const nodes = ir.nodes.map((node, label) => {
      if (node === null || alive.has(label)) return node;
      changed = true;
      return null;
    });
    return changed ? { ir: { entry: ir.entry, nodes }, changed } : { ir, changed };
  },
};
