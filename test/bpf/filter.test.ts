import { describe, expect, it } from 'vitest';
import { ALLOW, errno, KILL, NOTIFY } from '../../src/bpf/action.ts';
import { equal } from '../../src/bpf/condition.ts';
import { decide, type FilterInput, inputProblem } from '../../src/bpf/filter.ts';
import { ARCH, filter, OTHER_ARCH, X32 } from './filters.ts';

const first = { arg: 0, width: 32 } as const;
const input = filter([
  {
    nr: 41,
    rules: [
      { conditions: [equal(first, 1)], action: ALLOW },
      { conditions: [equal(first, 1)], action: KILL },
      { conditions: [], action: NOTIFY },
    ],
    otherwise: errno(1),
  },
]);

describe('decide', () => {
  it.each([
    ['the first rule that fits', ARCH, 41, 1n, ALLOW],
    ['a rule without conditions', ARCH, 41, 2n, NOTIFY],
    ['the answer for unknown numbers', ARCH, 40, 1n, errno(38)],
    ['the answer for another architecture', OTHER_ARCH, 41, 1n, KILL],
    ['the answer for another ABI of this architecture', ARCH, X32 + 41, 1n, KILL],
  ])('gives %s', (_, arch, nr, value, action) => {
    expect(decide(input, { arch, nr, args: [value] })).toEqual(action);
  });

  it('knows no other ABI where there is none', () => {
    expect(decide(filter([], { foreignFrom: null }), { arch: ARCH, nr: X32, args: [] })).toEqual(errno(38));
  });
});

describe('inputProblem', () => {
  const one = input.syscalls[0]!;
  it('finds nothing wrong with a good input', () => {
    expect(inputProblem(input)).toBeNull();
  });

  it.each<[Partial<FilterInput>, RegExp]>([
    [{ auditArch: 2 ** 32 }, /architecture/],
    [{ foreignFrom: -1 }, /foreignFrom/],
    [{ unknown: errno(5000) }, /errno 5000/],
    [{ foreignArch: errno(-1) }, /errno -1/],
    [{ syscalls: [one, one] }, /system call 41: it has two entries/],
    [{ syscalls: [{ ...one, nr: 2 ** 32 }] }, /not a 32-bit value/],
    [{ syscalls: [{ ...one, nr: X32 }] }, /are foreign/],
    [{ syscalls: [{ ...one, weight: 0 }] }, /weight 0/],
    [{ syscalls: [{ ...one, otherwise: errno(9999) }] }, /system call 41: errno 9999/],
    [
      { syscalls: [{ ...one, rules: [{ conditions: [{ ...equal(first, 1), arg: 9 }], action: ALLOW }] }] },
      /system call 41: rule 0: argument 9/,
    ],
  ])('says what is wrong: %#', (change, complaint) => {
    expect(inputProblem({ ...input, ...change })).toMatch(complaint);
  });
});
