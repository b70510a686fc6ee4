/** Whether this user was given a part of the cgroup v2 tree in which a sandbox can have limits of its own (cgroups(7)). */
import { accessSync, constants, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CgroupFacts } from '../plan/facts.ts';

const NEEDED = ['memory', 'pids'];

export function findCgroup(): CgroupFacts {
  try {
    const mount = mountPoint(readFileSync('/proc/self/mountinfo', 'utf8'));
    const own = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    if (mount === null || own === undefined) return none('no cgroup v2 is mounted');
    // A cgroup with processes cannot have limited children, so the nearest parent that may is looked for.
    for (let at = join(mount, own); at.startsWith(mount); at = dirname(at)) {
      if (NEEDED.every((name) => controllersFor(at).includes(name)) && writable(at))
        return { parent: at, detail: at };
      if (at === mount) break;
    }
    return none('no cgroup with the memory and pids controllers was delegated to this user');
  } catch (error) {
    return none((error as Error).message);
  }
}

const none = (detail: string): CgroupFacts => ({ parent: null, detail });

/** Mount point of the cgroup2 file system (proc_pid_mountinfo(5)), or null. */
function mountPoint(mountinfo: string): string | null {
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ', 2);
    if (right?.startsWith('cgroup2 ')) return left!.split(' ')[4]!;
  }
  return null;
}

/** Controllers that the children of a cgroup get. */
function controllersFor(cgroup: string): string[] {
  try {
    return readFileSync(join(cgroup, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
  } catch {
    return [];
  }
}

function writable(cgroup: string): boolean {
  try {
    accessSync(cgroup, constants.W_OK);
    accessSync(join(cgroup, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
