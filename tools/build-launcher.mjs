// Compiles the launcher with the host's C compiler: static where that links, else dynamic with immediate binding.
// Plain JavaScript with no dependency, since it runs at install. `--optional`: a missing compiler is no error, because
// `openshell doctor --fix` can build it later. `--out DIR`, `--cc CC` and `--sanitize` serve tests and cross-compiling.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const option = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
};
const optional = process.argv.includes('--optional');
const sanitize = process.argv.includes('--sanitize');
const compiler = option('--cc', process.env['CC'] || 'cc');
const directory = option('--out', join(root, 'launcher', 'bin'));

const sources = readdirSync(join(root, 'launcher'))
  .filter((name) => name.endsWith('.c'))
  .map((name) => join(root, 'launcher', name));
const warnings = ['-Wall', '-Wextra', '-Wshadow', '-Wstrict-prototypes', '-Wvla'];
const hardening = ['-fstack-protector-strong', '-D_FORTIFY_SOURCE=2', '-fno-strict-aliasing'];
const common = ['-std=c11', '-O2', '-g0', ...warnings];

/** The ways to link it, best first. */
const ways = sanitize
  ? [['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']]
  : [
      [...hardening, '-static', '-Wl,-z,noexecstack'],
      [...hardening, '-fPIE', '-pie', '-Wl,-z,now', '-Wl,-z,relro', '-Wl,-z,noexecstack'],
      ['-Wl,-z,now'],
    ];

mkdirSync(directory, { recursive: true });
const target = join(directory, 'openshell-launcher');
const temporary = `${target}.${process.pid}`;
let problem = '';
for (const way of ways) {
  try {
    execFileSync(compiler, [...common, ...way, ...sources, '-o', temporary], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    renameSync(temporary, target);
    process.exit(0);
  } catch (error) {
    rmSync(temporary, { force: true });
    problem =
      error.code === 'ENOENT'
        ? `no C compiler: \`${compiler}\` was not found`
        : String(error.stderr ?? error.message);
    if (error.code === 'ENOENT') break;
  }
}
console.error(`openshell: the launcher was not built: ${problem.split('\n').slice(0, 20).join('\n')}`);
console.error(
  'openshell: install a C compiler (Debian: apt install gcc libc6-dev) and run `openshell doctor --fix`',
);
process.exit(optional ? 0 : 1);
