/** Every path that a run shows, from the policy, the defaults, the baseline and the command line; before any disk is asked. */
import { cleanPath } from '../base/path.ts';
import type { CallerFacts } from '../plan/facts.ts';
import type { Origin } from '../plan/plan.ts';
import { WORKDIR } from '../policy/file-path.ts';
import type { At } from '../policy/policy.ts';
import type { CompileInput } from './input.ts';

export interface ListedPath {
  readonly path: string;
  readonly writable: boolean;
  readonly origin: Origin;
}

/** Replaced by file systems of our own, whatever is listed. */
export const OWN_TREES: readonly string[] = ['/proc', '/dev', '/tmp'];

/** The default section: system directories. The working directory is added to it. */
export const DEFAULT_READ_ONLY = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/opt',
  '/nix/store',
  '/run/current-system',
] as const;

/** What OpenShell shows whatever a policy lists (docs/compatibility.md). */
export const BASELINE_READ_ONLY = [
  '/usr',
  '/lib',
  '/etc',
  '/app',
  '/var/log',
  '/proc',
  '/dev/urandom',
] as const;
export const BASELINE_READ_WRITE = ['/tmp', '/dev/null'] as const;

/** `~/` and `${WORKDIR}` at the start, expanded; the policy layer has refused everything else. */
export function expandPath(path: string, caller: CallerFacts): string {
  if (path === '~' || path.startsWith('~/')) return cleanPath(caller.home + path.slice(1));
  if (path.startsWith(WORKDIR)) return cleanPath(caller.workdir + path.slice(WORKDIR.length));
  return cleanPath(path);
}

export function listedPaths({
  policy,
  operator,
  facts,
}: Pick<CompileInput, 'policy' | 'operator'> & { facts: { caller: CallerFacts } }): ListedPath[] {
  const { caller } = facts;
  const listed: ListedPath[] = [];
  const add = (path: string, writable: boolean, origin: Origin): void => {
    listed.push({ path: expandPath(path, caller), writable, origin });
  };
  const fromPolicy = (paths: readonly At<string>[], writable: boolean): void => {
    for (const { value, span } of paths) add(value, writable, { kind: 'policy', line: span.line });
  };
  const section = policy?.filesystem ?? null;
  if (section === null) {
    for (const path of DEFAULT_READ_ONLY) add(path, false, { kind: 'default', line: null });
    add(WORKDIR, true, { kind: 'default', line: null });
  } else {
    fromPolicy(section.readOnly, false);
    fromPolicy(section.readWrite, true);
    if (section.includeWorkdir) add(WORKDIR, true, { kind: 'policy', line: section.span.line });
  }
  for (const path of operator.read) add(path, false, { kind: 'flag', line: null });
  for (const path of operator.write) add(path, true, { kind: 'flag', line: null });
  for (const path of BASELINE_READ_ONLY) add(path, false, { kind: 'baseline', line: null });
  for (const path of BASELINE_READ_WRITE) add(path, true, { kind: 'baseline', line: null });
  return listed;
}
