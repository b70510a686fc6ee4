/**
 * What the listed paths come to without a private root: paths of the host that Landlock grants. Nothing can be put in
 * the place of another; a private directory is one of the run's own, which HOME and TMPDIR name.
 */
import { byDepth, joinPath } from '../base/path.ts';
import type { HostFacts, PathFact } from '../plan/facts.ts';
import type { Origin } from '../plan/plan.ts';
import { DEVICES } from './devices.ts';
import type { CompileProblem } from './input.ts';
import type { ListedPath } from './listed-paths.ts';
import type { Shown, ShownPath } from './shown-paths.ts';

const BUILTIN: Origin = { kind: 'builtin', line: null };

export function grantedPaths(
  listed: readonly ListedPath[],
  facts: HostFacts,
  keptHome: string | null,
): Shown {
  const paths = new Map<string, ShownPath>();
  const notes: string[] = [];
  const problems: CompileProblem[] = [];
  const grant = (path: string, writable: boolean, origin: Origin): void => {
    const fact = facts.paths.byPath.get(path);
    if (fact === undefined || fact.kind === 'missing') {
      if (origin.kind === 'policy' || origin.kind === 'flag')
        notes.push(
          `${path} does not exist on this host${writable ? ', and nothing is put in its place' : ''}`,
        );
      return;
    }
    const known = paths.get(fact.canonical);
    if (known === undefined || (writable && !known.writable))
      paths.set(fact.canonical, granted(fact, writable, origin));
  };
  for (const { path, writable, origin } of listed) {
    if (path === '/') {
      if (writable) problems.push(rootProblem(origin.line));
      else
        for (const name of facts.paths.rootEntries)
          if (!isShared(joinPath('/', name))) grant(joinPath('/', name), false, origin);
    } else if (path === '/tmp' && origin.kind !== 'flag') {
      if (origin.kind === 'policy')
        notes.push(
          '/tmp is shared with other programs of this host: TMPDIR names a directory of the run instead',
        );
    } else if (path === '/dev') {
      notes.push(
        '/dev holds the terminals of other programs: list the devices that are needed by their names',
      );
    } else if (path !== '/proc' && !(isShared(path) && origin.kind === 'baseline')) {
      grant(path, writable, origin);
    }
  }
  for (const { path } of DEVICES) grant(path, true, BUILTIN);
  if (keptHome !== null) grant(keptHome, true, { kind: 'flag', line: null });
  const all = [...paths.values()].sort((a, b) => byDepth(a.target, b.target));
  return {
    paths: all,
    writableRoots: all.filter(({ writable, directory }) => writable && directory).map(({ source }) => source),
    links: [],
    notes,
    problems,
  };
}

/**
 * Trees that are private elsewhere and everybody's here: granted by their own names only. Of /tmp, which policies list that
 * know of private ones alone, only the command line is believed.
 */
const isShared = (path: string): boolean => ['/proc', '/dev', '/tmp', '/dev/shm', '/dev/pts'].includes(path);

const granted = (
  { kind, canonical, uid, gid }: Exclude<PathFact, { kind: 'missing' }>,
  writable: boolean,
  origin: Origin,
): ShownPath => ({
  kind: 'host',
  target: canonical,
  source: canonical,
  // Connecting is not writing: a socket that is listed may be connected to.
  writable: writable || kind === 'socket',
  directory: kind === 'directory',
  device: kind === 'device',
  owner: { uid, gid },
  mode: 0,
  origin,
});

const rootProblem = (line: number | null): CompileProblem => ({
  message: '`/` cannot be writable',
  hint: 'start in another directory, or choose one with `--workdir DIR`',
  line,
});
