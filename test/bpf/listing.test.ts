import { describe, expect, it } from 'vitest';
import { ALLOW, errno, NOTIFY } from '../../src/bpf/action.ts';
import { anyBit, equal } from '../../src/bpf/condition.ts';
import { type ListingNames, listProgram } from '../../src/bpf/listing.ts';
import { CODE, verifyProgram } from '../../src/bpf/verify.ts';
import { ARCH, compiled, filter } from './filters.ts';

const SYSCALLS: Readonly<Record<number, string>> = {
  0: 'read',
  41: 'socket',
  42: 'connect',
  54: 'setsockopt',
};
const names: ListingNames = {
  arch: (value) => (value === ARCH ? 'x86_64' : undefined),
  syscall: (nr) => SYSCALLS[nr],
  errno: (number) => (number === 1 ? 'EPERM' : `errno ${number}`),
  argument: (nr, index) => (nr === 41 && index === 0 ? 'domain' : undefined),
  value: ({ nr, index, value, kind, known }) => {
    if (nr === 41 && index === 0) return kind === 'bits' ? 'FLAGS' : `AF_${value}`;
    return nr === 54 && index === 2 && known(1) === 6 ? `TCP_${value}` : undefined;
  },
};

const int = (arg: number) => ({ arg, width: 32 }) as const;

describe('a listing', () => {
  it('shows every instruction with the names of what it tests', () => {
    const program = compiled(
      filter(
        [
          { nr: 0, rules: [], otherwise: ALLOW },
          {
            nr: 41,
            rules: [
              { conditions: [equal(int(0), 1)], action: ALLOW },
              { conditions: [anyBit(int(0), 0x10000)], action: errno(0) },
            ],
            otherwise: NOTIFY,
          },
          {
            nr: 54,
            rules: [{ conditions: [equal(int(1), 6), equal(int(2), 1)], action: ALLOW }],
            otherwise: errno(1),
          },
        ],
        { foreignArch: NOTIFY },
      ),
    );
    expect(listProgram(program, names)).toMatchInlineSnapshot(`
      [
        " 0  ld   [4]                               arch",
        " 1  jeq  0xc000003e -> 2    else 20        x86_64",
        " 2  ld   [0]                               nr",
        " 3  jge  42         -> 10   else 4         connect",
        " 4  jge  41         -> 6    else 5         socket",
        " 5  jge  1          -> 19   else 17",
        " 6  ld   [16]                              socket: domain (arg0)",
        " 7  jeq  1          -> 17   else 8         AF_1",
        " 8  jset 0x10000    -> 9    else 20        FLAGS",
        " 9  ret  return 0                          socket",
        "10  jge  55         -> 18   else 11",
        "11  jge  54         -> 12   else 19        setsockopt",
        "12  ld   [24]                              setsockopt: arg1",
        "13  jeq  6          -> 14   else 16",
        "14  ld   [32]                              setsockopt: arg2",
        "15  jeq  1          -> 17   else 16        TCP_1",
        "16  ret  errno EPERM                       setsockopt",
        "17  ret  allow                             read, socket, setsockopt",
        "18  jge  0x40000000 -> 20   else 19",
        "19  ret  errno errno 38",
        "20  ret  notify",
      ]
    `);
  });

  it('shows what it has no name for, and what no way leads to', () => {
    const program = verifyProgram([
      { code: CODE.ldAbs, jt: 0, jf: 0, k: 12 },
      { code: CODE.ja, jt: 0, jf: 0, k: 1 },
      { code: CODE.neg, jt: 0, jf: 0, k: 0 },
      { code: CODE.retK, jt: 0, jf: 0, k: 0 },
    ]);
    expect(program.ok && listProgram(program.value, names)).toEqual([
      '0  ld   [12]                              instruction pointer, high word',
      '1  ja   -> 3',
      '2  0x84 0x0 0 0                           never reached',
      '3  ret  kill thread',
    ]);
  });
});
