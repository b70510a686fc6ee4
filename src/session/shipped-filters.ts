/** Reads the filters that the build put beside the bundle (tools/build.mjs). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeccompInput } from '../compile/seccomp-clause.ts';
import { shippedFilter } from '../compile/shipped-filters.ts';
import type { SeccompPlan } from '../plan/plan.ts';

/** @param root directory of the package */
export function knownFilter(root: string): (input: SeccompInput) => SeccompPlan | null {
  return (input) => {
    const name = shippedFilter(input);
    if (name === null) return null;
    try {
      return JSON.parse(readFileSync(join(root, 'dist', 'filters', `${name}.json`), 'utf8')) as SeccompPlan;
    } catch {
      return null; // compiled instead
    }
  };
}
