import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/bpf/filter.ts';
import type { Instruction } from '../../src/bpf/instruction.ts';
import { run } from '../../src/bpf/interpret.ts';
import { CODE, verifyProgram } from '../../src/bpf/verify.ts';

const at = (code: number, k = 0, jt = 0, jf = 0): Instruction => ({ code, jt, jf, k });
const ERRNO = 0x00050000;
const call: Call = {
  arch: 0xc000003e,
  nr: 0xffffffff,
  ip: 0x1122334455667788n,
  args: [0x0123456789abcdefn, 2n, 3n, 4n, 5n, (1n << 64n) - 2n],
};

function result(program: readonly Instruction[]) {
  const verified = verifyProgram(program);
  if (!verified.ok) throw new Error(verified.error);
  return run(verified.value, call);
}

/** What A holds at the end of the instructions, read back half by half through the errno. */
function accumulator(...program: Instruction[]): number {
  const low = result([...program, at(CODE.andK, 0xffff), at(CODE.orK, ERRNO), at(CODE.retA)]).data;
  const high = result([...program, at(CODE.rshK, 16), at(CODE.orK, ERRNO), at(CODE.retA)]).data;
  return high * 65536 + low;
}

describe('run', () => {
  it.each([
    ['the number', 0, 0xffffffff],
    ['the architecture', 4, 0xc000003e],
    ['the low half of the instruction pointer', 8, 0x55667788],
    ['its high half', 12, 0x11223344],
    ['the low half of argument 0', 16, 0x89abcdef],
    ['its high half', 20, 0x01234567],
    ['the low half of argument 5', 56, 0xfffffffe],
    ['its high half', 60, 0xffffffff],
  ])('loads %s', (_, offset, value) => {
    expect(accumulator(at(CODE.ldAbs, offset))).toBe(value);
  });

  it.each([
    ['adds', [at(CODE.ldImm, 0xffffffff), at(CODE.addK, 2)], 1],
    ['subtracts', [at(CODE.ldImm, 1), at(CODE.subK, 2)], 0xffffffff],
    ['multiplies', [at(CODE.ldImm, 0x80000001), at(CODE.mulK, 0x80000003)], 3],
    ['divides', [at(CODE.ldImm, 0xfffffffe), at(CODE.divK, 3)], 0x55555554],
    ['ands', [at(CODE.ldImm, 0xf0f0f0f0), at(CODE.andK, 0x8fffffff)], 0x80f0f0f0],
    ['ors', [at(CODE.ldImm, 0x80000000), at(CODE.orK, 1)], 0x80000001],
    ['xors', [at(CODE.ldImm, 0xffffffff), at(CODE.xorK, 0x0f)], 0xfffffff0],
    ['shifts left', [at(CODE.ldImm, 3), at(CODE.lshK, 31)], 0x80000000],
    ['shifts right without a sign', [at(CODE.ldImm, 0x80000000), at(CODE.rshK, 31)], 1],
    ['negates', [at(CODE.ldImm, 1), at(CODE.neg)], 0xffffffff],
    ['shifts by the low 5 bits of X', [at(CODE.ldImm, 1), at(CODE.ldxImm, 33), at(CODE.lshX)], 2],
    ['shifts by X without a sign', [at(CODE.ldImm, 1), at(CODE.ldxImm, 31), at(CODE.lshX)], 0x80000000],
    ['adds X', [at(CODE.ldImm, 5), at(CODE.tax), at(CODE.addX)], 10],
    ['moves X to A', [at(CODE.ldxImm, 7), at(CODE.txa)], 7],
    ['loads the length of the data', [at(CODE.ldLen)], 64],
    ['keeps words in memory', [at(CODE.ldImm, 9), at(CODE.st, 4), at(CODE.ldImm, 0), at(CODE.ldMem, 4)], 9],
  ])('%s', (_, program, value) => {
    expect(accumulator(...program)).toBe(value);
  });

  it.each([
    ['jeq', CODE.jeqK, 5, 5, true],
    ['jeq', CODE.jeqK, 5, 4, false],
    ['jgt', CODE.jgtK, 0xffffffff, 0x7fffffff, true],
    ['jgt', CODE.jgtK, 5, 5, false],
    ['jge', CODE.jgeK, 5, 5, true],
    ['jge', CODE.jgeK, 4, 5, false],
    ['jset', CODE.jsetK, 0x80000000, 0x80000000, true],
    ['jset', CODE.jsetK, 0x80000000, 0x7fffffff, false],
  ])('%s (%#) compares without a sign', (_, code, a, k, taken) => {
    const program = [
      at(CODE.ldImm, a),
      at(code, k, 0, 1),
      at(CODE.retK, ERRNO | 1),
      at(CODE.retK, ERRNO | 2),
    ];
    expect(result(program)).toEqual({ action: 'errno', data: taken ? 1 : 2, steps: 3 });
  });

  it('counts the instructions that it executes and tells which', () => {
    const program = verifyProgram([at(CODE.ja, 2), at(CODE.neg), at(CODE.neg), at(CODE.retK, 0x7fff0000)]);
    const visited: number[] = [];
    expect(program.ok && run(program.value, call, (index) => visited.push(index)).steps).toBe(2);
    expect(visited).toEqual([0, 3]);
  });

  it('kills on a division by an X of zero, as the kernel does', () => {
    const program = [at(CODE.ldxImm, 0), at(CODE.divX), at(CODE.retK, 0x7fff0000)];
    expect(result(program)).toEqual({ action: 'killThread', data: 0, steps: 2 });
  });

  it('names an action that no kernel knows', () => {
    expect(result([at(CODE.retK, 0x12345678)])).toEqual({ action: 'unknown', data: 0x5678, steps: 1 });
  });
});
