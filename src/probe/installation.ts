/** Where openshell itself is: what the launcher is, and what a workload must never write. */
import { accessSync, constants, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export interface Installation {
  /** Directory of the package. */
  readonly root: string;
  /** The launcher's path, or null when it is not built. */
  readonly launcher: string | null;
  /** Absolute paths that run on the host when openshell is used again; a link on the way is not followed. */
  readonly ownFiles: readonly string[];
}

/** Places where the launcher may stand, in the order of preference: built at install, or later by `doctor --fix`. */
export const launcherPlaces = (root: string): readonly [string, string] => [
  join(root, 'launcher', 'bin', 'openshell-launcher'),
  join(cacheDirectory(), 'bin', 'openshell-launcher'),
];

/** Facts about the host, compiled plans and a launcher that could not be built into the package. Never from inside. */
export const cacheDirectory = (): string =>
  join(
    process.env['XDG_CACHE_HOME']?.startsWith('/')
      ? process.env['XDG_CACHE_HOME']
      : join(homedir(), '.cache'),
    'openshell',
  );

/** Where sandboxes that run can be spoken to. Theirs alone, and of no sandbox. */
export const controlDirectory = (): string => {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return runtime?.startsWith('/') ? join(runtime, 'openshell') : join(cacheDirectory(), 'run');
};

/** @param script the bundle that is running, `process.argv[1]` as the user typed it */
export function findInstallation(script: string): Installation {
  const real = realpathSync.native(script);
  const root = dirname(dirname(real));
  const launcher = launcherPlaces(root).find(isExecutable) ?? null;
  const cache = cacheDirectory();
  const ownFiles = [join(root, 'dist'), join(root, 'launcher'), join(root, 'tools'), cache, process.execPath];
  // Started through a link (node_modules/.bin/openshell): whoever replaces the link replaces us.
  if (lstatSync(script).isSymbolicLink()) ownFiles.push(dirname(resolve(script)));
  makeDirectory(cache);
  const control = controlDirectory();
  makeDirectory(control);
  if (!control.startsWith(`${cache}/`)) ownFiles.push(control);
  return { root, launcher, ownFiles };
}

/** Made before the first run, so that it is protected from it. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {}
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
