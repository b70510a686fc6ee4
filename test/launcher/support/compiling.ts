/** Compiles test programs together with files of the launcher, into a directory that the test file removes. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE } from '../../programs/support/openshell.ts';

const HERE = fileURLToPath(new URL('..', import.meta.url));

export interface Compilation {
  readonly compiler: string;
  readonly flags?: readonly string[];
  /** In test/launcher. */
  readonly sources: readonly string[];
  /** In launcher. */
  readonly units: readonly string[];
  readonly output: string;
}

/** Throws what the compiler says. Warnings are errors. */
export function compile({ compiler, flags = [], sources, units, output }: Compilation): string {
  const files = [
    ...sources.map((name) => join(HERE, name)),
    ...units.map((name) => join(PACKAGE, 'launcher', name)),
  ];
  const common = ['-std=c11', '-g', '-Wall', '-Wextra', '-Werror', `-I${join(PACKAGE, 'launcher')}`];
  const done = spawnSync(compiler, [...common, ...flags, ...files, '-o', output], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${compiler} failed: ${done.error ?? ''}${done.stderr}`);
  return output;
}

/** Whether a compiler can make and run a program with these flags: sanitizers need libraries of their own. */
export function canCompile(compiler: string, flags: readonly string[], directory: string): boolean {
  const output = join(directory, `trial-${flags.join('').replace(/[^a-z]/g, '')}`);
  const source = 'int main(void) { return 0; }\n';
  const made = spawnSync(compiler, ['-x', 'c', '-', ...flags, '-o', output], { input: source });
  return made.status === 0 && spawnSync(output).status === 0;
}
