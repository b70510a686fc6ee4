/** The built program: where it is, how it is started, and an installation of it somewhere else. */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
/** The package whose program is tested: this repository, unless OPENSHELL_TEST_PACKAGE names an installed one. */
export const PACKAGE = process.env['OPENSHELL_TEST_PACKAGE'] || REPOSITORY;
export const OPENSHELL = join(PACKAGE, 'dist', 'openshell.cjs');
export const LAUNCHER = join(PACKAGE, 'launcher', 'bin', 'openshell-launcher');

/** As whom the host tests run: as an ordinary user or, a second time, as root. */
export const isRoot = process.getuid!() === 0;
/** Root runs only what is marked for it, so that nothing is done with root's rights by accident. */
export const isRootRole = isRoot && process.env['OPENSHELL_TEST_ROLE'] === 'root';

/** Why the built program cannot be tested here, or null. */
export const notBuilt: string | null =
  existsSync(OPENSHELL) && existsSync(LAUNCHER) ? null : 'not built: `npm run build`';

const DIRECTORIES = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** An environment for openshell that holds nothing of the test runner's own; its cache lies in `cache`. */
export const cleanEnvironment = (home: string, cache: string): Record<string, string> => ({
  PATH: DIRECTORIES,
  HOME: home,
  LANG: 'C.UTF-8',
  XDG_CACHE_HOME: cache,
});

/** The words before the arguments of openshell. */
export const openshell = (script = OPENSHELL): string[] => [process.execPath, '--', script];

/** Puts the package below `project` as npm does; gives the path of the command, which is a symbolic link. */
export function installInto(project: string): string {
  const root = join(project, 'node_modules', '@openshell', 'cli');
  const launcher = join(root, 'launcher', 'bin', 'openshell-launcher');
  cpSync(join(PACKAGE, 'dist'), join(root, 'dist'), { recursive: true, preserveTimestamps: true });
  mkdirSync(dirname(launcher), { recursive: true });
  copyFileSync(LAUNCHER, launcher);
  chmodSync(launcher, 0o755);
  const link = join(project, 'node_modules', '.bin', 'openshell');
  mkdirSync(dirname(link));
  symlinkSync('../@openshell/cli/dist/openshell.cjs', link);
  return link;
}
