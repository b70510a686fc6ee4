/** The Landlock rows: the same paths as the private root, held a second time, and no TCP port at all. */
import { byDepth, liesIn } from '../base/path.ts';
import {
  type FsRightName,
  fsRights,
  handledFs,
  handledNet,
  handledScopes,
  MAX_LANDLOCK_ABI,
} from '../kernel/landlock.ts';
import {
  type LandlockPlan,
  type LandlockRow,
  type Mount,
  type NetworkMode,
  type Origin,
  SCRATCH_DIRECTORIES,
} from '../plan/plan.ts';
import { TRUST_SCRATCH } from '../plan/trust-files.ts';
import type { Shown } from './shown-paths.ts';

const READ: readonly FsRightName[] = ['execute', 'read_file', 'read_dir'];
const WRITE: readonly FsRightName[] = [
  ...READ,
  'write_file',
  'remove_dir',
  'remove_file',
  'make_dir',
  'make_reg',
  'make_sock',
  'make_fifo',
  'make_sym',
  'refer',
  'truncate',
];
const DEVICE: readonly FsRightName[] = ['read_file', 'write_file', 'truncate', 'ioctl_dev'];
const TERMINALS: readonly FsRightName[] = [...DEVICE, 'read_dir'];

export function compileLandlock(
  mounts: readonly Mount[],
  denied: readonly string[],
  network: NetworkMode,
  kernelAbi: number,
): LandlockPlan {
  const abi = Math.min(kernelAbi, MAX_LANDLOCK_ABI);
  const rows = new Map<string, LandlockRow>();
  const add: Add = (path, names, origin) => {
    if (!denied.some((hidden) => liesIn(path, hidden))) grant(rows, path, fsRights(names, abi), origin);
  };
  // Names of the private root's own directories, which are no secret; everything below it that can be seen can be read.
  add('/', ['read_dir'], { kind: 'builtin', line: null });
  for (const mount of mounts) {
    switch (mount.kind) {
      case 'bind':
        if (mount.origin.kind === 'protected') break;
        add(mount.target, mount.devices ? DEVICE : mount.writable ? WRITE : READ, mount.origin);
        break;
      case 'private':
        if (mount.writable) add(mount.target, WRITE, mount.origin);
        break;
      case 'proc':
        add(mount.target, READ, mount.origin);
        break;
      case 'devpts':
        add(mount.target, TERMINALS, mount.origin);
        break;
      case 'file':
        if (mount.mode !== 0) add(mount.target, ['read_file'], mount.origin);
        break;
      case 'symlink':
        break;
    }
  }
  return plan(rows, network, abi);
}

/** Without a private root the rows are all that holds files: the host's paths as listed, devices, and the run's own directories. */
export function grantsByLandlock(
  { paths }: Pick<Shown, 'paths'>,
  network: NetworkMode,
  kernelAbi: number,
  opensTls: boolean,
): LandlockPlan {
  const abi = Math.min(kernelAbi, MAX_LANDLOCK_ABI);
  const rows = new Map<string, LandlockRow>();
  const add: Add = (path, names, origin) => grant(rows, path, fsRights(names, abi), origin);
  for (const { target, device, writable, origin } of paths)
    add(target, liesIn(target, '/dev/pts') ? TERMINALS : device ? DEVICE : writable ? WRITE : READ, origin);
  add('/proc', READ, BUILTIN);
  for (const directory of SCRATCH_DIRECTORIES) add(directory, WRITE, BUILTIN);
  if (opensTls) add(TRUST_SCRATCH, ['read_file', 'read_dir'], BUILTIN);
  return plan(rows, network, abi);
}

type Add = (path: string, names: readonly FsRightName[], origin: Origin) => void;

/** Rows are a union in the kernel, so the strongest of one path is enough. */
function grant(rows: Map<string, LandlockRow>, path: string, access: number, origin: Origin): void {
  const known = rows.get(path)?.access ?? 0;
  if (!rows.has(path) || (access | known) !== known) rows.set(path, { path, access: access | known, origin });
}

const BUILTIN: Origin = { kind: 'builtin', line: null };

function plan(rows: ReadonlyMap<string, LandlockRow>, network: NetworkMode, abi: number): LandlockPlan {
  return {
    abi,
    handledFs: handledFs(abi),
    handledNet: network === 'allow' ? 0 : handledNet(abi),
    scoped: handledScopes(abi),
    rows: abi === 0 ? [] : [...rows.values()].sort((a, b) => byDepth(a.path, b.path)),
  };
}
