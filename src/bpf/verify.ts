/**
 * Checks a program as the kernel does before it takes it (bpf_check_classic in net/core/filter.c and
 * seccomp_check_filter in kernel/seccomp.c): what passes here can be loaded, and what is run has passed here.
 */
import { err, ok, type Result } from '../base/result.ts';
import { dataField, type Instruction, MAX_INSTRUCTIONS } from './instruction.ts';

declare const verified: unique symbol;
/** A program that the kernel would take. Made by `verifyProgram` only. */
export type VerifiedProgram = readonly Instruction[] & { readonly [verified]: true };

/** Words of scratch memory. */
export const MEMORY_WORDS = 16;

/** The instructions that seccomp allows, out of those of classic BPF. */
export const CODE = {
  ldAbs: 0x20,
  ldLen: 0x80,
  ldxLen: 0x81,
  retK: 0x06,
  retA: 0x16,
  addK: 0x04,
  addX: 0x0c,
  subK: 0x14,
  subX: 0x1c,
  mulK: 0x24,
  mulX: 0x2c,
  divK: 0x34,
  divX: 0x3c,
  orK: 0x44,
  orX: 0x4c,
  andK: 0x54,
  andX: 0x5c,
  lshK: 0x64,
  lshX: 0x6c,
  rshK: 0x74,
  rshX: 0x7c,
  neg: 0x84,
  xorK: 0xa4,
  xorX: 0xac,
  ldImm: 0x00,
  ldxImm: 0x01,
  tax: 0x07,
  txa: 0x87,
  ldMem: 0x60,
  ldxMem: 0x61,
  st: 0x02,
  stx: 0x03,
  ja: 0x05,
  jeqK: 0x15,
  jeqX: 0x1d,
  jgtK: 0x25,
  jgtX: 0x2d,
  jgeK: 0x35,
  jgeX: 0x3d,
  jsetK: 0x45,
  jsetX: 0x4d,
} as const;

const ALLOWED: ReadonlySet<number> = new Set(Object.values(CODE));
const CONDITIONAL: ReadonlySet<number> = new Set([
  CODE.jeqK,
  CODE.jeqX,
  CODE.jgtK,
  CODE.jgtX,
  CODE.jgeK,
  CODE.jgeX,
  CODE.jsetK,
  CODE.jsetX,
]);
const MEMORY: ReadonlySet<number> = new Set([CODE.ldMem, CODE.ldxMem, CODE.st, CODE.stx]);

export const isConditionalJump = (code: number): boolean => CONDITIONAL.has(code);

/** The same instructions, known to be loadable, or the first thing that is wrong with them. */
export function verifyProgram(program: readonly Instruction[]): Result<VerifiedProgram, string> {
  if (program.length === 0) return err('the program is empty');
  if (program.length > MAX_INSTRUCTIONS)
    return err(`the program has ${program.length} instructions, and the kernel takes ${MAX_INSTRUCTIONS}`);
  for (const [index, instruction] of program.entries()) {
    const problem = instructionProblem(instruction, program.length - index - 1);
    if (problem !== null) return err(`instruction ${index}: ${problem}`);
  }
  const last = program.at(-1)!.code;
  if (last !== CODE.retK && last !== CODE.retA) return err('the last instruction is not a return');
  const unset = readBeforeWrite(program);
  if (unset !== null) return err(`instruction ${unset}: reads memory that some way to it has not written`);
  return ok(program as VerifiedProgram);
}

/** `after`: how many instructions follow. */
function instructionProblem({ code, jt, jf, k }: Instruction, after: number): string | null {
  if (!isUnsigned(code, 16) || !isUnsigned(jt, 8) || !isUnsigned(jf, 8) || !isUnsigned(k, 32))
    return 'a field does not fit in struct sock_filter';
  if (!ALLOWED.has(code)) return `code 0x${code.toString(16)} is not one that seccomp allows`;
  if (code === CODE.ldAbs && dataField(k) === null)
    return `loads offset ${k}, which is no word of seccomp_data`;
  if (code === CODE.divK && k === 0) return 'divides by zero';
  if ((code === CODE.lshK || code === CODE.rshK) && k >= 32) return `shifts by ${k} bits`;
  if (MEMORY.has(code) && k >= MEMORY_WORDS) return `memory word ${k} does not exist`;
  if (code === CODE.ja && k >= after) return 'jumps past the end';
  if (CONDITIONAL.has(code) && (jt >= after || jf >= after)) return 'jumps past the end';
  return null;
}

const isUnsigned = (value: number, bits: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < 2 ** bits;

/** The first load of scratch memory that may come before its store, or null. */
function readBeforeWrite(program: readonly Instruction[]): number | null {
  const all = 2 ** MEMORY_WORDS - 1;
  /** For each instruction, the words written on every way to it. */
  const written = new Array<number>(program.length).fill(all);
  written[0] = 0;
  const arrive = (index: number, words: number): void => {
    if (index < program.length) written[index]! &= words;
  };
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    let words = written[index]!;
    if ((code === CODE.ldMem || code === CODE.ldxMem) && (words & (1 << k)) === 0) return index;
    if (code === CODE.st || code === CODE.stx) words |= 1 << k;
    if (code === CODE.ja) arrive(index + 1 + k, words);
    else if (CONDITIONAL.has(code)) {
      arrive(index + 1 + jt, words);
      arrive(index + 1 + jf, words);
    } else if (code !== CODE.retK && code !== CODE.retA) arrive(index + 1, words);
  }
  return null;
}
