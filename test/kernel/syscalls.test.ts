import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { conditionedSyscalls, syscallArguments } from '../../src/kernel/arguments.ts';
import { syscallName, syscallNames, syscallNumber } from '../../src/kernel/syscalls.ts';

const hasCompiler = spawnSync('cc', ['--version']).status === 0;

describe('system call numbers', () => {
  // From the manuals of strace and the tables of Linux 6.18.
  it.each([
    ['read', 0, 63],
    ['write', 1, 64],
    ['openat', 257, 56],
    ['socket', 41, 198],
    ['connect', 42, 203],
    ['clone', 56, 220],
    ['ptrace', 101, 117],
    ['newfstatat', 262, 79],
    ['seccomp', 317, 277],
    ['io_uring_setup', 425, 425],
    ['clone3', 435, 435],
    ['cachestat', 451, 451],
    ['mseal', 462, 462],
    ['open_tree_attr', 467, 467],
    ['file_setattr', 469, 469],
  ])('gives %s the numbers %i and %i', (name, x86, arm) => {
    expect(syscallNumber('x86_64', name)).toBe(x86);
    expect(syscallNumber('aarch64', name)).toBe(arm);
    expect(syscallName('x86_64', x86)).toBe(name);
    expect(syscallName('aarch64', arm)).toBe(name);
  });

  it.each(['open', 'fork', 'epoll_wait', 'arch_prctl', 'iopl', 'uretprobe'])(
    'knows that aarch64 has no %s',
    (name) => {
      expect(syscallNumber('x86_64', name)).toBeTypeOf('number');
      expect(syscallNumber('aarch64', name)).toBeUndefined();
    },
  );

  it('gives no number to names that only look like calls', () => {
    for (const name of ['toString', '__proto__', 'constructor', '', 'READ'])
      expect(syscallNumber('x86_64', name)).toBeUndefined();
  });

  it.each(['x86_64', 'aarch64'] as const)('has each number of %s once', (arch) => {
    const names = syscallNames(arch);
    expect(names.length).toBeGreaterThan(300);
    for (const name of names) expect(syscallName(arch, syscallNumber(arch, name)!)).toBe(name);
  });

  it.skipIf(!hasCompiler)(
    'agrees with the C headers of this machine',
    () => {
      expect(() =>
        execFileSync(process.execPath, ['tools/gen-kernel.mjs', '--check'], {
          encoding: 'utf8',
          stdio: 'pipe',
        }),
      ).not.toThrow();
    },
    60_000,
  );
});

describe('system call arguments', () => {
  it('looks at the low 32 bits of an int and at all 64 of a pointer', () => {
    expect(syscallArguments('socket')?.map(({ width }) => width)).toEqual([32, 32, 32]);
    expect(syscallArguments('prlimit64')?.map(({ name, width }) => [name, width])).toEqual([
      ['pid', 32],
      ['resource', 32],
      ['new_limit', 64],
      ['old_limit', 64],
    ]);
    expect(syscallArguments('prctl')?.[1]).toMatchObject({ kind: 'long', width: 64 });
  });

  it('describes calls that some architecture has, with at most six arguments of different names', () => {
    for (const name of conditionedSyscalls()) {
      expect(syscallNumber('x86_64', name) ?? syscallNumber('aarch64', name), name).toBeTypeOf('number');
      const names = syscallArguments(name)!.map((argument) => argument.name);
      expect(names.length, name).toBeLessThanOrEqual(6);
      expect(new Set(names).size, name).toBe(names.length);
    }
  });

  it('says nothing about calls that no rule conditions on', () => {
    expect(syscallArguments('getpid')).toBeUndefined();
    expect(syscallArguments('toString')).toBeUndefined();
  });
});
