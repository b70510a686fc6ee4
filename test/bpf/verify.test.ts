import { describe, expect, it } from 'vitest';
import type { Instruction } from '../../src/bpf/instruction.ts';
import { CODE, verifyProgram } from '../../src/bpf/verify.ts';

const at = (code: number, k = 0, jt = 0, jf = 0): Instruction => ({ code, jt, jf, k });
const allow = at(CODE.retK, 0x7fff0000);
const problem = (...program: Instruction[]): string | null => {
  const verified = verifyProgram(program);
  return verified.ok ? null : verified.error;
};

describe('verifyProgram', () => {
  it('takes what the kernel takes', () => {
    expect(problem(allow)).toBeNull();
    expect(problem(at(CODE.ldAbs, 60), at(CODE.jeqK, 1, 1, 0), at(CODE.ja, 0), allow)).toBeNull();
    expect(problem(at(CODE.st, 15), at(CODE.ldMem, 15), at(CODE.retA))).toBeNull();
    expect(problem(...new Array<Instruction>(4096).fill(allow))).toBeNull();
  });

  it.each<[string, Instruction[], RegExp]>([
    ['an empty program', [], /empty/],
    ['4097 instructions', new Array<Instruction>(4097).fill(allow), /4097/],
    ['no return at the end', [at(CODE.ldAbs, 0)], /not a return/],
    ['a load between words', [at(CODE.ldAbs, 2), allow], /offset 2/],
    ['a load behind the data', [at(CODE.ldAbs, 64), allow], /offset 64/],
    ['a load of a byte', [at(0x30, 0), allow], /code 0x30/],
    ['a load at an index', [at(0x40, 0), allow], /code 0x40/],
    ['a modulo, which seccomp does not have', [at(0x94, 3), allow], /code 0x94/],
    ['a jump past the end', [at(CODE.ja, 1), allow], /instruction 0: jumps past the end/],
    ['a conditional jump past the end', [at(CODE.jeqK, 0, 0, 1), allow], /jumps past the end/],
    ['a jump as far as a backward one would need', [at(CODE.ja, 0xffffffff), allow], /jumps past the end/],
    ['a division by zero', [at(CODE.divK, 0), allow], /divides by zero/],
    ['a shift by 32', [at(CODE.lshK, 32), allow], /shifts by 32/],
    ['memory that does not exist', [at(CODE.st, 16), allow], /memory word 16/],
    ['memory read before it is written', [at(CODE.ldMem, 0), allow], /instruction 0: reads memory/],
    [
      'memory written on one way only',
      [at(CODE.jeqK, 0, 1, 0), at(CODE.st, 3), at(CODE.ldxMem, 3), allow],
      /instruction 2: reads memory/,
    ],
    ['a field that does not fit', [at(CODE.ja, -1), allow], /does not fit/],
    ['a jump of 256', [{ ...at(CODE.jeqK), jt: 256 }, allow], /does not fit/],
  ])('refuses %s', (_, program, complaint) => {
    expect(problem(...program)).toMatch(complaint);
  });
});
