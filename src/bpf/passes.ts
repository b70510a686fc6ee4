/** The passes, in the order in which they run: round and round until none of them changes anything. */
import type { Ir } from './ir.ts';
import { lowerCompares } from './pass/lower-compares.ts';
import { mergeReturns } from './pass/merge-returns.ts';
import { mergeTests } from './pass/merge-tests.ts';
import { removeDead } from './pass/remove-dead.ts';
import { removeLoads } from './pass/remove-loads.ts';
import { searchTree } from './pass/search-tree.ts';
import { threadJumps } from './pass/thread-jumps.ts';
import type { Pass } from './pass.ts';

export const PASSES: readonly Pass[] = [
  mergeReturns,
  // Here, since the first run of the pass before leaves most nodes behind.
  removeDead,
  lowerCompares,
  // Before the search tree, which can then take calls with one treatment as one range.
  mergeTests,
  searchTree,
  threadJumps,
  // Last, since it counts on what all others have left.
  removeLoads,
];

/** Runs passes to a fixed point. It ends: each only removes nodes, moves exits down, or settles what it settled. */
export function runPasses(ir: Ir, passes: readonly Pass[], seen?: (pass: string, ir: Ir) => void): Ir {
  let current = ir;
  let idle = 0;
  for (let turn = 0; idle < passes.length; turn += 1) {
    const pass = passes[turn % passes.length]!;
    const result = pass.run(current);
    current = result.ir;
    idle = result.changed ? 0 : idle + 1;
    if (result.changed) seen?.(pass.name, current);
  }
  return current;
}
