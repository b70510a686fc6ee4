/**
 * Leaves out loads of a word that the accumulator holds already on every way to a test. It is the last pass: each run
 * works out all of them anew, so that nothing that an earlier pass moved can leave a wrong answer behind.
 */
import {
  ALL_ONES,
  type Ir,
  type Label,
  type Node,
  nodeAt,
  successors,
  type Test,
  topologicalOrder,
  type Word,
} from '../ir.ts';
import type { Pass } from '../pass.ts';

/** What A holds: a word under a mask, or null when it differs from way to way. */
type Accumulator = Word | null;

export const removeLoads: Pass = {
  name: 'remove-loads',
  run(ir: Ir) {
    const nodes: Node[] = [...ir.nodes];
    const holds = new Map<Label, Accumulator>([[ir.entry, null]]);
    let changed = false;
    const arrive = (label: Label, held: Accumulator): void => {
      const before = holds.get(label);
      holds.set(label, before === undefined || sameWord(before, held) ? held : null);
    };
    for (const label of topologicalOrder(ir)) {
      const node = nodeAt(ir, label);
      if (node.kind !== 'test') {
        // Not lowered yet: what it will leave in A is not known.
        for (const next of successors(node)) arrive(next, null);
        continue;
      }
      const prepare = neededFor(node.word, holds.get(label) ?? null);
      if (prepare !== node.prepare) {
        nodes[label] = { ...node, prepare } satisfies Test;
        changed = true;
      }
      arrive(node.yes, node.word);
      arrive(node.no, node.word);
    }
    return { ir: changed ? { entry: ir.entry, nodes } : ir, changed };
  },
};

function neededFor(word: Word, held: Accumulator): Test['prepare'] {
  if (held === null || held.offset !== word.offset) return 'load';
  if (held.mask === word.mask) return 'nothing';
  return held.mask === ALL_ONES ? 'mask' : 'load';
}

const sameWord = (a: Accumulator, b: Accumulator): boolean =>
  a !== null && b !== null && a.offset === b.offset && a.mask === b.mask;
