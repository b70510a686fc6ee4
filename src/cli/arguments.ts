/** Parses the arguments of a command; whatever is wrong with them is a usage error. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './usage.ts';

export function parseCommand<const O extends NonNullable<ParseArgsConfig['options']>>(
  args: string[],
  options: O,
): ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The one positional argument that a command wants. */
export function onePositional(positionals: readonly string[], what: string): string {
  const [first, second] = positionals;
  if (first === undefined) throw new UsageError(`${what} is missing`);
  if (second !== undefined) throw new UsageError(`\`${second}\` is one argument too many`);
  return first;
}
