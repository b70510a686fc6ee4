import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printArguments } from '../../src/kernel/print-call.ts';
import { syscallNumber } from '../../src/kernel/syscalls.ts';

const print = (name: string, ...args: bigint[]): string =>
  printArguments('x86_64', syscallNumber('x86_64', name)!, args).join(', ');

describe('printArguments', () => {
  it.each([
    ['socket', [40n, 0x80001n, 0n], 'AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP'],
    ['socket', [16n, 3n, 4n], 'AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG'],
    ['socket', [2n, 1n, 262n], 'AF_INET, SOCK_STREAM, IPPROTO_MPTCP'],
    ['setsockopt', [3n, 41n, 57n, 0x7ffe0000n, 16n], '3, SOL_IPV6, IPV6_RTHDR, 0x7ffe0000, 16'],
    ['chmod', [0x5000n, 0o4755n], '0x5000, 04755'],
    ['ioctl', [0n, 0x5412n, 0x7ffen], '0, TIOCSTI, 0x7ffe'],
    ['clone', [0x10000011n], 'CLONE_NEWUSER|0x11, 0, 0, 0, 0'],
    ['execveat', [0xffffff9cn, 0n, 0n, 0n, 0x1000n], '-100, 0, 0, 0, AT_EMPTY_PATH'],
    ['getpid', [1n, 4096n], '1, 0x1000'],
  ])('prints %s', (name, args, text) => {
    expect(print(name, ...args)).toBe(text);
  });

  it('prints what the kernel looks at of an int', () => {
    expect(print('socket', (1n << 32n) + 40n, 1n, 0n)).toMatch(/^AF_VSOCK/);
  });

  it('prints letters, digits and signs of its own only, whatever the values are', () => {
    const value = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 600 }),
        fc.array(value, { minLength: 6, maxLength: 6 }),
        (nr, args) => {
          for (const text of printArguments('x86_64', nr, args)) expect(text).toMatch(/^[-\w|]+$/);
        },
      ),
    );
  });
});
