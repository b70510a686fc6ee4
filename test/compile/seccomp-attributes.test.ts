import { describe, expect, it } from 'vitest';
import { explainSyscall } from '../../src/compile/explain-syscall.ts';
import type { SeccompInput } from '../../src/compile/seccomp-clause.ts';
import type { Arch } from '../../src/kernel/arch.ts';
import { errnoName } from '../../src/kernel/errno.ts';
import { syscallNumber } from '../../src/kernel/syscalls.ts';
import { planOf, STANDARD } from './seccomp-plans.ts';

const PLATFORM = { tier: 'platform' } as const;
/** 2^32: the kernel does not look at it in an `int`. */
const HIGH = 0x1_0000_0000;

function outcome(call: string, change: Partial<SeccompInput>): string {
  const input = { ...STANDARD, ...change };
  const explained = explainSyscall(planOf(input), input.arch, call);
  if (!explained.ok) throw new Error(`${call}: ${explained.error}`);
  const { verdict, errno, rule, handler } = explained.value;
  if (verdict === 'allow') return 'allow';
  return `${verdict === 'mediated' ? handler : errnoName(errno!)} by ${rule?.name}`;
}

const CHANGES = [
  'chmod(1, 0644)',
  'fchmod(3, 0644)',
  'fchmodat(AT_FDCWD, 1, 01644)',
  'fchmodat2(AT_FDCWD, 1, 0644, AT_EMPTY_PATH)',
  'chown(1)',
  'fchown(3)',
  'lchown(1)',
  'fchownat(3)',
  'utime(1)',
  'utimes(1)',
  'futimesat(3)',
  'utimensat(3)',
  'setxattr(1)',
  'lsetxattr(1)',
  'fsetxattr(3)',
  'removexattr(1)',
  'lremovexattr(1)',
  'fremovexattr(3)',
  'ioctl(3, FS_IOC_SETFLAGS)',
  'ioctl(3, FS_IOC_FSSETXATTR)',
  `ioctl(3, ${HIGH + 0x40086602})`,
];
const nameOf = (call: string): string => call.slice(0, call.indexOf('('));

describe.each<Arch>(['x86_64', 'aarch64'])('attributes on %s', (arch) => {
  const known = CHANGES.filter((call) => syscallNumber(arch, nameOf(call) as 'chmod') !== undefined);

  it.each(known)('without namespaces the warden makes %s', (call) => {
    expect(outcome(call, { ...PLATFORM, arch })).toBe('attributes by attributes');
  });

  it.each(known)('with namespaces, where mounts hold files, the kernel makes %s', (call) => {
    expect(outcome(call, { arch })).toBe('allow');
  });

  it.each(known)('where nothing holds files, the kernel makes %s', (call) => {
    expect(outcome(call, { ...PLATFORM, arch, landlockAbi: 0 })).toBe('allow');
  });
});

describe('without namespaces', () => {
  it.each([
    ['inotify_add_watch(3, 1, 2)', 'watch by watching'],
    ['inotify_init1(0)', 'allow'],
    ['fanotify_init(0, 0)', 'EPERM by fanotify'],
    // The bit is refused wherever the file is.
    ['chmod(1, 04755)', 'EPERM by setuid_bit'],
    ['fchmodat2(3, 1, 02755, 0)', 'EPERM by setuid_bit'],
    ['setxattrat(3)', 'ENOSYS by unknown_syscall'],
    ['removexattrat(3)', 'ENOSYS by unknown_syscall'],
    ['file_setattr(3)', 'ENOSYS by unknown_syscall'],
    ['getxattr(1)', 'allow'],
    ['file_getattr(3)', 'allow'],
    ['ioctl(3, FS_IOC_SETVERSION)', 'EACCES by file_requests'],
    ['ioctl(3, FS_IOC_ENABLE_VERITY)', 'EACCES by file_requests'],
    ['ioctl(3, FS_IOC_SET_ENCRYPTION_POLICY)', 'EACCES by file_requests'],
    ['ioctl(3, FAT_IOCTL_SET_ATTRIBUTES)', 'EACCES by file_requests'],
    // BTRFS_IOC_SNAP_DESTROY, BTRFS_IOC_SUBVOL_SETFLAGS
    ['ioctl(3, 0x5000940f)', 'EACCES by file_requests'],
    ['ioctl(3, 0x4008941a)', 'EACCES by file_requests'],
    ['ioctl(3, FICLONE)', 'allow'],
    ['ioctl(3, FICLONERANGE)', 'allow'],
    ['ioctl(3, FIDEDUPERANGE)', 'allow'],
    // FS_IOC_GETFLAGS
    ['ioctl(3, 0x80086601)', 'allow'],
    ['ioctl(3, TCGETS)', 'allow'],
  ])('%s: %s', (call, expected) => {
    expect(outcome(call, PLATFORM)).toBe(expected);
  });
});
