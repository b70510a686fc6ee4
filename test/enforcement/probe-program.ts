/** The probe program (probe/*.c), compiled here: static where that links, so that it needs nothing of the sandbox. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('probe', import.meta.url));
const FLAGS = ['-std=c11', '-O1', '-Wall', '-Wextra', '-Wshadow', '-Werror'];

/** Why it cannot be compiled here, or null. */
export const noCompiler: string | null =
  spawnSync('cc', ['--version']).status === 0 ? null : 'there is no C compiler';

/** @returns the path of the program */
export function compileProbe(directory: string): string {
  const target = join(directory, 'probe');
  const sources = readdirSync(SOURCES)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(SOURCES, name));
  let problem = '';
  for (const linking of [['-static'], []]) {
    const args = [...FLAGS, ...linking, ...sources, '-o', target, '-pthread', '-lrt'];
    const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
    if (status === 0) return target;
    problem = stderr;
  }
  throw new Error(`the probe program does not compile:\n${problem}`);
}
