/** What the filter costs: instructions that the calls run which busy programs make most. */
import { describe, expect, it } from 'vitest';
import { explainSyscall } from '../../src/compile/explain-syscall.ts';
import { planOf, STANDARD } from './seccomp-plans.ts';

describe('the filter', () => {
  it.each([
    ['x86_64', 'read(3, 0x1000, 100)', 8],
    ['x86_64', 'write(3, 0x1000, 100)', 8],
    ['x86_64', 'futex(0x1000, 0, 1)', 9],
    ['x86_64', 'mmap(0, 4096)', 7],
    ['x86_64', 'openat(AT_FDCWD, "a", O_RDONLY|O_CLOEXEC)', 12],
    ['x86_64', 'close(3)', 7],
    ['x86_64', 'newfstatat(AT_FDCWD, "a")', 9],
    ['x86_64', 'epoll_wait(3)', 8],
    ['x86_64', 'sendto(3, "x", 1, MSG_NOSIGNAL)', 14],
    ['x86_64', 'recvfrom(3)', 9],
    ['aarch64', 'read(3, 0x1000, 100)', 12],
    ['aarch64', 'write(3, 0x1000, 100)', 12],
    ['aarch64', 'futex(0x1000, 0, 1)', 12],
    ['aarch64', 'mmap(0, 4096)', 12],
    ['aarch64', 'openat(AT_FDCWD, "a", O_RDONLY|O_CLOEXEC)', 14],
    ['aarch64', 'close(3)', 12],
    ['aarch64', 'newfstatat(AT_FDCWD, "a")', 12],
    ['aarch64', 'epoll_pwait(3)', 12],
    ['aarch64', 'sendto(3, "x", 1, MSG_NOSIGNAL)', 15],
    ['aarch64', 'recvfrom(3)', 12],
  ] as const)('on %s lets %s pass in at most %d steps', (arch, call, budget) => {
    const explained = explainSyscall(planOf({ ...STANDARD, arch }), arch, call);
    if (!explained.ok) throw new Error(explained.error);
    expect(explained.value.verdict).toBe('allow');
    expect(explained.value.steps).toBeLessThanOrEqual(budget);
  });

  it.each(['x86_64', 'aarch64'] as const)('of %s has at most 350 instructions', (arch) => {
    expect(planOf({ ...STANDARD, arch }).program.length).toBeLessThanOrEqual(350);
  });
});
