import { describe, expect, it } from 'vitest';
import { CLONE_NEW_FLAGS, constantName, constantValue, flagNames } from '../../src/kernel/constants.ts';
import { ERRNOS, errnoName, errnoNumber } from '../../src/kernel/errno.ts';
import { RLIMIT, rlimitName } from '../../src/kernel/rlimit.ts';

describe('constants', () => {
  it.each([
    ['AF_UNIX', 1],
    ['AF_LOCAL', 1],
    ['AF_VSOCK', 40],
    ['SOCK_CLOEXEC', 0o2000000],
    ['IPPROTO_MPTCP', 262],
    ['MSG_FASTOPEN', 0x20000000],
    ['CLONE_NEWUSER', 0x10000000],
    ['PR_SET_SECCOMP', 22],
    ['PR_SET_PTRACER', 0x59616d61],
    ['TIOCSTI', 0x5412],
    ['AT_EMPTY_PATH', 0x1000],
    ['AT_FDCWD', -100],
    ['MFD_NOEXEC_SEAL', 8],
    ['S_ISUID', 0o4000],
    ['SO_TIMESTAMPING_NEW', 65],
    ['RLIMIT_NPROC', 6],
  ])('knows that %s is %i', (name, value) => {
    expect(constantValue('x86_64', name)).toBe(value);
    expect(constantValue('aarch64', name)).toBe(value);
  });

  it.each([
    ['O_DIRECTORY', 0o200000, 0o40000],
    ['O_NOFOLLOW', 0o400000, 0o100000],
    ['O_DIRECT', 0o40000, 0o200000],
    ['O_TMPFILE', 0o20200000, 0o20040000],
  ])('knows that %s differs between architectures', (name, x86, arm) => {
    expect(constantValue('x86_64', name)).toBe(x86);
    expect(constantValue('aarch64', name)).toBe(arm);
  });

  it('knows no name that is not a constant', () => {
    for (const name of ['AF_NOSUCH', 'toString', '', 'af_unix'])
      expect(constantValue('x86_64', name)).toBeUndefined();
  });

  it('holds every namespace flag of clone but the one that lies in the exit signal', () => {
    expect(flagNames('clone', CLONE_NEW_FLAGS)?.split('|').sort()).toEqual([
      'CLONE_NEWCGROUP',
      'CLONE_NEWIPC',
      'CLONE_NEWNET',
      'CLONE_NEWNS',
      'CLONE_NEWPID',
      'CLONE_NEWUSER',
      'CLONE_NEWUTS',
    ]);
  });

  it('names values and flags within their group', () => {
    expect(constantName('family', 16)).toBe('AF_NETLINK');
    expect(constantName('family', 4000)).toBeUndefined();
    expect(flagNames('message', 0x20000040)).toBe('MSG_DONTWAIT|MSG_FASTOPEN');
    expect(flagNames('message', 0x40 | 0x00400000)).toBe('MSG_DONTWAIT|0x400000');
    expect(flagNames('memfd', 0x8000)).toBeUndefined();
  });
});

describe('error numbers', () => {
  it.each([
    ['EPERM', 1],
    ['ENOSYS', 38],
    ['EAFNOSUPPORT', 97],
    ['ENOPROTOOPT', 92],
    ['EPROTONOSUPPORT', 93],
    ['EOPNOTSUPP', 95],
  ])('knows %s both ways', (name, number) => {
    expect(errnoNumber(name)).toBe(number);
    expect(errnoName(number)).toBe(name);
  });

  it('reads second names and prints the first', () => {
    expect(errnoNumber('EWOULDBLOCK')).toBe(ERRNOS.EAGAIN);
    expect(errnoName(ERRNOS.EAGAIN)).toBe('EAGAIN');
    expect(errnoNumber('ENOTSUP')).toBe(95);
  });

  it('does not invent names', () => {
    expect(errnoName(200)).toBe('errno 200');
    expect(errnoNumber('constructor')).toBeUndefined();
  });
});

describe('resource limits', () => {
  it('knows them both ways', () => {
    expect(RLIMIT.RLIMIT_CORE).toBe(4);
    expect(rlimitName(7)).toBe('RLIMIT_NOFILE');
    expect(rlimitName(99)).toBeUndefined();
  });
});
