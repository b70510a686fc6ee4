/**
 * Landlock: what each ABI can hold (landlock(7), linux/landlock.h of Linux 6.18). Values are bits that the kernel takes
 * as they are; every one lies below 2^32.
 */

interface LandlockBit {
  readonly name: string;
  readonly bit: number;
  /** First ABI that knows it. */
  readonly abi: number;
}

interface FsRight<Name extends string> extends LandlockBit {
  readonly name: Name;
  /** Means something for a directory only: the kernel refuses a rule (EINVAL) that gives it on a file. */
  readonly directoryOnly: boolean;
}

/** Newest ABI that we know what to do with; a kernel with a higher one is used as this. */
export const MAX_LANDLOCK_ABI = 7;

const fs = <Name extends string>(
  shift: number,
  name: Name,
  on: 'file' | 'directory',
  abi = 1,
): FsRight<Name> => ({
  name,
  bit: 2 ** shift,
  abi,
  directoryOnly: on === 'directory',
});

/** LANDLOCK_ACCESS_FS_*, in the order of their bits. */
export const FS_RIGHTS = [
  fs(0, 'execute', 'file'),
  fs(1, 'write_file', 'file'),
  fs(2, 'read_file', 'file'),
  fs(3, 'read_dir', 'directory'),
  fs(4, 'remove_dir', 'directory'),
  fs(5, 'remove_file', 'directory'),
  fs(6, 'make_char', 'directory'),
  fs(7, 'make_dir', 'directory'),
  fs(8, 'make_reg', 'directory'),
  fs(9, 'make_sock', 'directory'),
  fs(10, 'make_fifo', 'directory'),
  fs(11, 'make_block', 'directory'),
  fs(12, 'make_sym', 'directory'),
  fs(13, 'refer', 'directory', 2),
  fs(14, 'truncate', 'file', 3),
  fs(15, 'ioctl_dev', 'file', 5),
];

/** LANDLOCK_ACCESS_NET_* */
export const NET_RIGHTS: readonly LandlockBit[] = [
  { name: 'bind_tcp', bit: 1, abi: 4 },
  { name: 'connect_tcp', bit: 2, abi: 4 },
];

/** LANDLOCK_SCOPE_* */
export const SCOPES: readonly LandlockBit[] = [
  { name: 'abstract_unix_socket', bit: 1, abi: 6 },
  { name: 'signal', bit: 2, abi: 6 },
];

/** LANDLOCK_RESTRICT_SELF_LOG_*, flags of landlock_restrict_self(2). */
export const LOG_FLAGS: readonly LandlockBit[] = [
  { name: 'log_same_exec_off', bit: 1, abi: 7 },
  { name: 'log_new_exec_on', bit: 2, abi: 7 },
  { name: 'log_subdomains_off', bit: 4, abi: 7 },
];

const sum = (bits: readonly LandlockBit[], abi: number): number =>
  bits.filter((row) => row.abi <= abi).reduce((mask, row) => mask + row.bit, 0);

/** Every filesystem right that a ruleset can handle at this ABI; 0 without Landlock. */
export const handledFs = (abi: number): number => sum(FS_RIGHTS, abi);
/** Every network right of this ABI; 0 below 4. */
export const handledNet = (abi: number): number => sum(NET_RIGHTS, abi);
/** Every scope of this ABI; 0 below 6. */
export const handledScopes = (abi: number): number => sum(SCOPES, abi);

/** The bits of `names` that this ABI knows. An unknown name is a defect of ours and does not compile. */
export function fsRights(names: readonly FsRightName[], abi: number): number {
  return sum(
    FS_RIGHTS.filter((row) => (names as readonly string[]).includes(row.name)),
    abi,
  );
}

export type FsRightName = (typeof FS_RIGHTS)[number]['name'];

/** Rights that a rule on something other than a directory may give. */
export const FILE_RIGHTS: number = sum(
  FS_RIGHTS.filter((row) => !row.directoryOnly),
  MAX_LANDLOCK_ABI,
);

/** Names of the rights in a mask, in the order of their bits, with a hexadecimal rest: for people. */
export function rightNames(kind: 'fs' | 'net' | 'scope', mask: number): readonly string[] {
  const rows = { fs: FS_RIGHTS, net: NET_RIGHTS, scope: SCOPES }[kind];
  const names: string[] = [];
  let rest = mask;
  for (const row of rows) {
    if (Math.floor(mask / row.bit) % 2 === 0) continue;
    names.push(row.name);
    rest -= row.bit;
  }
  return rest === 0 ? names : [...names, `0x${rest.toString(16)}`];
}
