/** A host that exists nowhere: a merged-usr Debian on Linux 6.18, so that plans in tests depend on no machine. */
import { byDepth, parentOf } from '../../src/base/path.ts';
import type { CallerFacts, HostFacts, KernelFacts, PathFact } from '../../src/plan/facts.ts';

export const CALLER: CallerFacts = {
  uid: 1000,
  gid: 1000,
  userName: 'dev',
  groupName: 'dev',
  home: '/home/dev',
  workdir: '/home/dev/project',
};

const KERNEL: KernelFacts = {
  release: '6.18.0',
  landlockAbi: 7,
  namespacesProblem: null,
  notifyProblem: null,
  memoryProblem: null,
  waitKillable: true,
  perUserNamespaceProcessCount: true,
  outerFilters: null,
  initialPidNamespace: true,
};

const DIRECTORIES = [
  '/',
  '/etc',
  '/home',
  '/home/dev',
  '/home/dev/project',
  '/home/dev/project/.git',
  '/home/dev/project/.git/hooks',
  '/opt',
  '/proc',
  '/run',
  '/sys',
  '/tmp',
  '/usr',
  '/usr/bin',
  '/usr/lib',
  '/usr/lib64',
  '/usr/sbin',
  '/var',
  '/var/log',
  '/dev',
  '/opt/openshell',
  '/home/dev/.cache/openshell',
];
const FILES = [
  '/etc/passwd',
  '/etc/group',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/hostname',
  '/home/dev/project/.git/config',
  '/home/dev/project/.envrc',
  '/usr/bin/git',
  '/usr/bin/curl',
  '/usr/bin/node',
  '/usr/bin/env',
];
const DEVICES = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty'];
const LINKS: Readonly<Record<string, string>> = {
  '/bin': 'usr/bin',
  '/lib': 'usr/lib',
  '/lib64': 'usr/lib64',
  '/sbin': 'usr/sbin',
};

export interface Pretend {
  readonly kernel?: Partial<KernelFacts>;
  readonly caller?: Partial<CallerFacts>;
  readonly arch?: HostFacts['arch'];
  readonly ownFiles?: readonly string[];
  readonly extra?: Readonly<Record<string, PathFact>>;
  readonly cgroup?: HostFacts['cgroup'];
  readonly repositories?: HostFacts['repositories'];
}

export function pretendedHost(pretend: Pretend = {}): HostFacts {
  const byPath = new Map<string, PathFact>();
  const put = (path: string, kind: 'directory' | 'file' | 'device'): void => {
    const own = path.startsWith('/home/dev');
    byPath.set(path, { kind, canonical: path, links: [], uid: own ? 1000 : 0, gid: own ? 1000 : 0 });
  };
  for (const path of DIRECTORIES) put(path, 'directory');
  for (const path of FILES) put(path, 'file');
  for (const path of DEVICES) put(path, 'device');
  for (const [at, text] of Object.entries(LINKS)) {
    byPath.set(at, { kind: 'directory', canonical: `/${text}`, links: [{ at, text }], uid: 0, gid: 0 });
  }
  for (const [path, fact] of Object.entries(pretend.extra ?? {})) byPath.set(path, fact);
  const rootEntries = [...byPath.keys()]
    .filter((path) => path !== '/' && parentOf(path) === '/')
    .sort(byDepth)
    .map((path) => path.slice(1));
  return {
    arch: pretend.arch ?? 'x86_64',
    kernel: { ...KERNEL, ...pretend.kernel },
    caller: { ...CALLER, ...pretend.caller },
    ownFiles: pretend.ownFiles ?? ['/home/dev/.cache/openshell', '/opt/openshell'],
    repositories: pretend.repositories ?? {
      roots: ['/home/dev/project'],
      found: [{ path: '/home/dev/project/.git', kind: 'directory' }],
      complete: true,
    },
    paths: { byPath, rootEntries },
    cgroup: pretend.cgroup ?? { parent: null, detail: 'none' },
  };
}
