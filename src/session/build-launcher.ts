/** Builds the launcher where installing did not: into the package, or, where that cannot be written, into the cache. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDirectory, type Installation, launcherPlaces } from '../probe/installation.ts';

/** What was done, a line each. */
export function buildLauncher({ root, launcher }: Installation): string[] {
  const done: string[] = [];
  for (const kind of ['host', 'plans'])
    rmSync(join(cacheDirectory(), kind), { recursive: true, force: true });
  done.push('forgot what was known about this host');
  if (launcher !== null) return [...done, `the launcher is built: ${launcher}`];
  const problems: string[] = [];
  for (const place of launcherPlaces(root)) {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, 'tools', 'build-launcher.mjs'), '--out', dirname(place)],
      { encoding: 'utf8' },
    );
    if (status === 0) return [...done, `built the launcher: ${place}`];
    problems.push(stderr.trim());
  }
  return [...done, ...problems];
}
