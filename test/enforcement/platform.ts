/** The `platform` tier, for tests of what it has to hold without namespaces. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { cleanEnvironment, isRoot, openshell } from '../support/product.ts';
import { unavailable } from './workplace.ts';

export const PLATFORM = ['--tier', 'platform'] as const;

function problem(): string | null {
  const [program, ...args] = [...openshell(), 'run', ...PLATFORM, '--', 'true'];
  const env = cleanEnvironment('/', tmpdir());
  const { stderr } = spawnSync(program!, args, { env, encoding: 'utf8' });
  return /this version has the tiers/.test(stderr) ? 'this version has no tier platform' : null;
}

/** Why its tests cannot run here, or null. Root has no need of it, and would not be stopped by what stops a user. */
export const platformUnavailable: string | null =
  unavailable ?? (isRoot ? 'root is no ordinary user' : null) ?? problem(); // Until the tier is there: remove with the function.
