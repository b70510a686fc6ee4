/**
 * Whether the workload could make a file of the host another one. A policy that is read again must be no such file: what
 * is held at the start is the file that is there then, and a new one in its place is not held.
 */
import { liesIn, parentOf } from '../base/path.ts';
import { FS_RIGHTS } from '../kernel/landlock.ts';
import type { PathFact } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';

const READING = ['execute', 'read_file', 'read_dir'];
const WRITING = FS_RIGHTS.filter(({ name }) => !READING.includes(name)).reduce(
  (all, { bit }) => all | bit,
  0,
);

/** The first directory on the way to the file in which the workload may write, or null. */
export function directoryWithinReach(plan: Plan, { canonical, links }: PathFact): string | null {
  const places = [canonical, ...links.map(({ at }) => at)].map(parentOf);
  return places.find((place) => isWritable(plan, place)) ?? null;
}

function isWritable({ tier, mounts, landlock }: Plan, directory: string): boolean {
  if (tier === 'platform')
    return landlock.rows.some(
      ({ path, access }) => path.startsWith('/') && (access & WRITING) !== 0 && liesIn(directory, path),
    );
  const binds = mounts
    .filter((mount) => mount.kind === 'bind')
    .filter(({ source }) => liesIn(directory, source));
  return binds.some(
    ({ writable, source }) =>
      writable && !binds.some((other) => !other.writable && other.source.length > source.length),
  );
}
