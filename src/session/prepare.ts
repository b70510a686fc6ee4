/** From policy text and the operator's request to a plan: the one that was made before, or a new one. */
import { readFileSync, statSync } from 'node:fs';
import { err, ok, type Result } from '../base/result.ts';
import { readCache } from '../probe/cache.ts';
import { looksTheSame } from '../probe/paths.ts';
import { findRepositories, sameRepositories } from '../probe/repositories.ts';
import {
  PLAN_CACHE,
  type Prepared,
  type PrepareFailure,
  type PrepareInput,
  type Remembered,
} from './prepared.ts';

/** Bumped whenever the form of what is kept changes. */
const CACHE_FORMAT = 5;

export const NO_LAUNCHER =
  'openshell: the launcher is not built: run `openshell doctor --fix` (it needs a C compiler)';

export async function prepare(input: PrepareInput): Promise<Result<Prepared, PrepareFailure>> {
  const { launcher } = input.installation;
  if (launcher === null) return err({ lines: [NO_LAUNCHER] });
  const key = keyOf(input, launcher);
  const remembered = recall(key);
  if (remembered !== null) return ok(remembered);
  const { prepareAndRemember } = await import('./prepare.late.ts');
  return prepareAndRemember(input, key);
}

/** A plan made before, if everything on the host still looks as it did. */
function recall(key: string): Prepared | null {
  const text = readCache(PLAN_CACHE, key);
  if (text === null) return null;
  try {
    const { observations, prepared } = JSON.parse(text) as Remembered;
    const { repositories } = prepared.plan.hostTrust;
    const unchanged =
      looksTheSame(observations) && sameRepositories(findRepositories(repositories.roots), repositories);
    return unchanged ? prepared : null;
  } catch {
    return null;
  }
}

/** Everything that a plan depends on, but for paths: the kernel's answers by the boot, programs by their time stamps. */
function keyOf(
  { policy, operator, workdir, installation, ownFiles, refusalErrno }: PrepareInput,
  launcher: string,
): string {
  return JSON.stringify([
    CACHE_FORMAT,
    readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'),
    readFileSync('/proc/self/cgroup', 'utf8'),
    [process.argv[1]!, launcher, '/etc/passwd', '/etc/group'].map(stampOf),
    [process.geteuid!(), process.getegid!(), process.env['HOME'], workdir],
    [installation, ownFiles],
    [policy?.name, policy?.path, policy?.text],
    [operator, refusalErrno],
  ]);
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.mtimeMs} ${stats.size}`;
}
