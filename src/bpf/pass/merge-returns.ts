/** Makes equal returns one. */
import { actionKey } from '../action.ts';
import { type Ir, type Label, redirect } from '../ir.ts';
import type { Pass } from '../pass.ts';

export const mergeReturns: Pass = {
  name: 'merge-returns',
  run(ir: Ir) {
    const first = new Map<string, Label>();
    const same = new Map<Label, Label>();
    for (const [label, node] of ir.nodes.entries()) {
      if (node.kind !== 'return') continue;
      const key = actionKey(node.action);
      const known = first.get(key);
      if (known === undefined) first.set(key, label);
      else same.set(label, known);
    }
    const to = (label: Label): Label => same.get(label) ?? label;
    let changed = false;
    const nodes = ir.nodes.map((node) => {
      const after = redirect(node, to);
      changed ||= after !== node;
      return after;
    });
    return changed ? { ir: { entry: to(ir.entry), nodes }, changed } : { ir, changed };
  },
};
