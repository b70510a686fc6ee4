/** The OCI runtime of this machine, and what it needs around it to work for root and for an ordinary user. */
import { spawnSync } from 'node:child_process';
import { find } from '../programs/support/host.ts';
import { isRoot } from '../support/product.ts';

const crun = find('crun');
/** Wants to make a cgroup and to have id 0 in the container: it does for root only. */
const runc = isRoot ? find('runc') : null;

/** An ordinary user gets one id, its own; root needs no namespace of users. */
export const inUserNamespace = !isRoot;

/**
 * A process namespace of its own around runtime and container: when the first in it is killed, so is all that is left,
 * whatever the container has become; it is killed when the tests are. A mount namespace, so that nothing stays mounted.
 */
const AROUND = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  'unshare',
  ...(inUserNamespace ? ['--user', '--map-root-user'] : []),
  ...['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
];

/** crun takes no machine that has both versions of cgroups; with it, containers have no cgroup of their own. */
const HIDE_CGROUPS = 'mount -t tmpfs -o ro none /sys/fs/cgroup && exec "$@"';

/** Why no container can be run here, or null. */
export const noContainers: string | null = reasonNot();

function reasonNot(): string | null {
  if (process.arch !== 'x64') return 'the seccomp profiles are for x86_64';
  if ((crun ?? runc) === null) return 'crun is not installed';
  return canSeparate() ? null : 'this user cannot make namespaces';
}

function canSeparate(): boolean {
  const [program, ...args] = [...AROUND, 'true'];
  return spawnSync(program!, args).status === 0;
}

/**
 * The words that run a bundle.
 * @param state directory for everything that the runtime remembers
 * @param files open ones that the container gets besides its standard streams
 */
export function runtimeCommand(name: string, bundle: string, state: string, files: number): string[] {
  const run = ['--root', state, 'run', '--bundle', bundle, '--preserve-fds', String(files), name];
  if (crun === null) return [...AROUND, runc!, ...run];
  return [...AROUND, 'sh', '-c', HIDE_CGROUPS, 'sh', crun, '--cgroup-manager=disabled', ...run];
}

/** Removes what a runtime that was killed has left: runc's cgroups, one below that of the tests in each hierarchy. */
export function forget(name: string): void {
  if (crun !== null) return;
  spawnSync('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-name', name, '-exec', 'rmdir', '{}', ';']);
}
