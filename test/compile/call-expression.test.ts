import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCall } from '../../src/compile/call-expression.ts';

const parsed = (text: string): string => {
  const result = parseCall(text, 'x86_64');
  if (!result.ok) return `error: ${result.error}`;
  const { name, nr, args } = result.value;
  expect(args).toHaveLength(6);
  return `${name} ${nr} ${args.map((arg) => arg.toString(16)).join(',')}`;
};

describe('parseCall', () => {
  it.each([
    ['ptrace', 'ptrace 101 0,0,0,0,0,0'],
    ['ptrace()', 'ptrace 101 0,0,0,0,0,0'],
    [' socket ( AF_VSOCK , SOCK_STREAM|SOCK_CLOEXEC, 0 ) ', 'socket 41 28,80001,0,0,0,0'],
    ['socket(40, 0x1, 010)', 'socket 41 28,1,8,0,0,0'],
    ['openat(AT_FDCWD, "a,b)|\\"c", O_DIRECTORY)', 'openat 257 ffffffffffffff9c,7f0000001000,10000,0,0,0'],
    ['close(-1)', 'close 3 ffffffffffffffff,0,0,0,0,0'],
    ['close(0xffffffffffffffff)', 'close 3 ffffffffffffffff,0,0,0,0,0'],
    ['connect(3, NULL)', 'connect 42 3,0,0,0,0,0'],
    ['syscall_500(1, 2)', 'syscall_500 500 1,2,0,0,0,0'],
    ['syscall_0x29(2)', 'socket 41 2,0,0,0,0,0'],
  ])('reads %s', (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });

  it('takes constants of the architecture that was asked for', () => {
    const value = (arch: 'x86_64' | 'aarch64') => {
      const result = parseCall('openat(3, "a", O_DIRECTORY)', arch);
      return result.ok ? result.value.args[2] : result.error;
    };
    expect(value('x86_64')).toBe(0x10000n);
    expect(value('aarch64')).toBe(0x4000n);
  });

  it.each([
    ['', 'expected a call'],
    ['socket(', 'expected a call'],
    ['socket(1) x', 'expected a call'],
    ['3(1)', 'expected a call'],
    ['sokcet(1)', 'there is no system call `sokcet`'],
    ['constructor', 'there is no system call `constructor`'],
    ['socket(1, 2, 3, 4)', 'socket takes 3 arguments, not 4'],
    ['read(1, 2, 3, 4, 5, 6, 7)', 'at most 6 arguments'],
    ['socket(1,,3)', 'an argument is missing'],
    ['socket(1,)', 'an argument is missing'],
    ['socket(,1)', 'an argument is missing'],
    ['socket(|1)', 'an argument is missing'],
    ['socket(AF_NOTHING)', '`AF_NOTHING` is not a constant that is known'],
    ['socket(toString)', '`toString` is not a constant that is known'],
    ['socket(1 2)', '`1 2` is neither'],
    ['socket(09)', '`09` is neither'],
    ['socket(1.5)', '`1.5` is neither'],
    ['socket(0x10000000000000000)', 'does not fit in 64 bits'],
    ['socket(-9223372036854775809)', 'does not fit in 64 bits'],
    ['socket("a)', 'is neither'],
    [`socket(${'1'.repeat(2000)})`, 'longer than 1000 characters'],
    ['syscall_99999999999(1)', 'there is no system call'],
    ['syscall_4294967296', 'more than 32 bits'],
  ])('refuses %j: %s', (text, expected) => {
    expect(parsed(text)).toContain(`error: `);
    expect(parsed(text)).toContain(expected);
  });

  it('says where a call of the other architecture exists', () => {
    const result = parseCall('open("a")', 'aarch64');
    expect(result.ok ? '' : result.error).toBe('open does not exist on aarch64, only on x86_64');
  });

  it('never throws, and gives 64-bit values only', () => {
    const piece = fc.constantFrom(
      'socket',
      '(',
      ')',
      ',',
      '|',
      '"',
      '\\',
      '-',
      '0x',
      '08',
      '1',
      'AF_UNIX',
      ' ',
      '\n',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const result = parseCall(pieces.join(''), 'x86_64');
        if (result.ok) for (const arg of result.value.args) expect(BigInt.asUintN(64, arg)).toBe(arg);
      }),
      { numRuns: 3000 },
    );
  });
});
