/** What an OCI runtime is given: a root directory and config.json, for a container as Kubernetes' `restricted` wants it. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { node } from '../programs/support/host.ts';
import { PACKAGE, REPOSITORY } from '../support/product.ts';
import { type Profile, seccompOf } from './seccomp-profiles.ts';

/** Of nobody on this host, so that limits which count a user's processes count those of the container. */
export const CONTAINER_UID = 1_000_680_000;
/** Volumes that can be written, as `emptyDir`s: /tmp, one to work in, and a home apart, as openshell's cache must be. */
export const WORK = '/work';
export const HOME = '/home/agent';
export const VOLUMES = [HOME, '/tmp', WORK];

export interface BoundPath {
  /** On the host. */
  readonly path: string;
  /** In the container; the same by default. */
  readonly at?: string;
  /** Where the tests run as root, nobody in the container may write it all the same before handOver(). */
  readonly writable?: boolean;
}

export interface ContainerSpec {
  readonly profile: Profile;
  readonly mounts?: readonly BoundPath[];
  /** `private`: loopback alone. `host`: that of the tests, so that servers there are reached. */
  readonly network?: 'private' | 'host';
}

export interface ContainedProcess {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

const nodePrefix = dirname(dirname(node));
/** Of the host's configuration, what programs need to start. Links to programs, libraries, certificates. */
const CONFIGURATION = ['alternatives', 'ssl', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime'];

/** As containerd 1.6 and crun have them. */
const MASKED = [
  ...['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/sched_debug'],
  ...['/proc/scsi', '/proc/timer_list', '/proc/timer_stats', '/sys/firmware'],
];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/**
 * Writes it into an empty directory.
 * @param inUserNamespace the runtime is root of one in which there is no other id
 */
export function writeBundle(
  directory: string,
  spec: ContainerSpec,
  process: ContainedProcess,
  inUserNamespace: boolean,
): void {
  const root = join(directory, 'rootfs');
  writeRoot(root);
  const config = configOf(spec, process, inUserNamespace);
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
}

/** Mount points, links and a few files; the runtime makes the places of other mounts before it closes the root. */
function writeRoot(root: string): void {
  for (const name of ['dev', 'etc', 'proc', 'run', 'sys', 'usr', 'var', ...VOLUMES])
    mkdirSync(join(root, name), { recursive: true });
  // runc gives a volume the mode of the place that it is mounted on.
  for (const name of VOLUMES) chmodSync(join(root, name), 0o1777);
  for (const name of systemLinks()) symlinkSync(readlinkSync(`/${name}`), join(root, name));
  const files = {
    passwd: `root:x:0:0:root:/root:/bin/sh\nagent:x:${CONTAINER_UID}:${CONTAINER_UID}::${HOME}:/bin/sh\n`,
    group: `root:x:0:\nagent:x:${CONTAINER_UID}:\n`,
    hostname: 'container\n',
    hosts: '127.0.0.1 localhost\n::1 localhost\n127.0.0.1 container\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    'resolv.conf': 'nameserver 127.0.0.1\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'etc', name), text);
}

const systemNames = (): string[] => readdirSync('/').filter((name) => /^(s?bin|lib(x?\d+)?)$/.test(name));
const isLink = (name: string): boolean => lstatSync(`/${name}`).isSymbolicLink();
/** Where /bin is /usr/bin. */
const systemLinks = (): string[] => systemNames().filter(isLink);
const systemDirectories = (): string[] => systemNames().filter((name) => !isLink(name));

function configOf(spec: ContainerSpec, process: ContainedProcess, inUserNamespace: boolean): object {
  const isPrivate = spec.network !== 'host';
  const kinds = [
    ...['pid', 'ipc', 'uts', 'mount'],
    ...(isPrivate ? ['network'] : []),
    ...(inUserNamespace ? ['user'] : []),
  ];
  const oneId = [{ containerID: CONTAINER_UID, hostID: 0, size: 1 }];
  const none: string[] = [];
  return {
    ociVersion: '1.0.0',
    process: {
      terminal: false,
      user: { uid: CONTAINER_UID, gid: CONTAINER_UID },
      args: process.command,
      env: Object.entries(process.env).map(([name, value]) => `${name}=${value}`),
      cwd: process.cwd,
      capabilities: { bounding: none, effective: none, inheritable: none, permitted: none, ambient: none },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'container',
    mounts: mountsOf(spec, inUserNamespace),
    linux: {
      namespaces: kinds.map((type) => ({ type })),
      ...(inUserNamespace ? { uidMappings: oneId, gidMappings: oneId } : {}),
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
      seccomp: seccompOf(spec.profile),
    },
  };
}

/** In order: a later one may lie in an earlier one. */
function mountsOf({ mounts = [], network }: ContainerSpec, inUserNamespace: boolean): Mount[] {
  const system = ['/usr', ...systemDirectories().map((name) => `/${name}`)];
  const prefix = /^\/usr(\/|$)/.test(nodePrefix) ? [] : [nodePrefix];
  const configuration = CONFIGURATION.map((name) => `/etc/${name}`).filter(existsSync);
  const packages = [...new Set([REPOSITORY, PACKAGE])];
  const hidden = ['nosuid', 'noexec', 'nodev'];
  // Where group 5 is not mapped, nothing can be given to it.
  const terminals = ['newinstance', 'ptmxmode=0666', 'mode=0620', ...(inUserNamespace ? [] : ['gid=5'])];
  return [
    special('/proc', 'proc', hidden),
    special('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k', 'ro']),
    special('/dev/pts', 'devpts', ['nosuid', 'noexec', ...terminals]),
    special('/dev/shm', 'tmpfs', [...hidden, 'mode=1777', 'size=65536k']),
    special('/dev/mqueue', 'mqueue', hidden),
    // The files of a network are shown to who owns it only.
    network === 'host' && inUserNamespace
      ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...hidden, 'rro'] }
      : special('/sys', 'sysfs', [...hidden, 'ro']),
    ...VOLUMES.map((path) => special(path, 'tmpfs', ['nosuid', 'nodev', 'mode=1777', 'size=1g'])),
    ...[...system, ...prefix, ...configuration, ...packages].map((path) => bound({ path })),
    ...mounts.map(bound),
  ];
}

const special = (destination: string, type: string, options: readonly string[]): Mount => ({
  destination,
  type,
  source: type,
  options,
});

/** The runtime closes what is mounted below a directory as well, and knows no such option for a file. */
const bound = ({ path, at = path, writable = false }: BoundPath): Mount => ({
  destination: at,
  type: 'bind',
  source: path,
  options: ['rbind', writable ? 'rw' : statSync(path).isDirectory() ? 'rro' : 'ro', 'nosuid', 'nodev'],
});
