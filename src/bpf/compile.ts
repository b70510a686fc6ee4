/** Compiles rules to a seccomp program. Equal inputs give equal programs. */
import { err, type Result } from '../base/result.ts';
import { buildIr } from './build.ts';
import { type FilterInput, inputProblem } from './filter.ts';
import type { Instruction } from './instruction.ts';
import type { Ir } from './ir.ts';
import { link } from './link.ts';
import { lowerPlainly } from './lower.ts';
import { PASSES, runPasses } from './passes.ts';

export interface CompileOptions {
  /** Names of passes that are left out, for tests and debugging. */
  readonly without?: readonly string[];
  /** Called after each pass that changed something. */
  readonly seen?: (pass: string, ir: Ir) => void;
}

/** Every pass left out: the program that the optimised one is compared with. */
export const PLAIN: CompileOptions = { without: PASSES.map(({ name }) => name) };

/** The program, or what is wrong with the input, or that the program would be too long for the kernel. */
export function compileFilter(
  input: FilterInput,
  options: CompileOptions = {},
): Result<readonly Instruction[], string> {
  const problem = inputProblem(input);
  if (problem !== null) return err(problem);
  const without = new Set(options.without);
  const passes = PASSES.filter(({ name }) => !without.has(name));
  if (passes.length + without.size !== PASSES.length)
    return err(
      `there is no such pass among \`${[...without].join('`, `')}\`; there are ${PASSES.map(({ name }) => name).join(', ')}`,
    );
  const optimised = runPasses(buildIr(input), passes, options.seen);
  return link(lowerPlainly(optimised));
}
