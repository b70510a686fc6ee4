/** Runs a seccomp program on one call, as the kernel would, and counts its steps. */
import { RETURN_DATA_MASK, type ReturnName, returnName } from './action.ts';
import type { Call } from './filter.ts';
import { ARCH_OFFSET, DATA_SIZE, type Instruction, IP_OFFSET, NR_OFFSET } from './instruction.ts';
import { CODE, MEMORY_WORDS, type VerifiedProgram } from './verify.ts';

export interface Outcome {
  readonly action: ReturnName;
  /** Low 16 bits of the returned value: the errno of `errno`. */
  readonly data: number;
  /** Instructions that were executed. */
  readonly steps: number;
}

interface Machine {
  a: number;
  x: number;
  readonly memory: Uint32Array;
  readonly data: DataView;
}

/**
 * The program ends: it has passed `verifyProgram`, so that jumps go forward and stay inside. `visit` is told the index
 * of each instruction that is executed.
 */
export function run(program: VerifiedProgram, call: Call, visit?: (index: number) => void): Outcome {
  const machine: Machine = { a: 0, x: 0, memory: new Uint32Array(MEMORY_WORDS), data: seccompData(call) };
  let steps = 0;
  for (let pc = 0; ; ) {
    const instruction = program[pc]!;
    steps += 1;
    visit?.(pc);
    const { code, k } = instruction;
    if (code === CODE.retK || code === CODE.retA) {
      const value = code === CODE.retK ? k : machine.a;
      return { action: returnName(value), data: value & RETURN_DATA_MASK, steps };
    }
    // A division by zero in X ends the program with 0, which kills the thread.
    if (code === CODE.divX && machine.x === 0) return { action: returnName(0), data: 0, steps };
    pc += 1 + jump(machine, instruction);
    execute(machine, instruction);
  }
}

/** struct seccomp_data, little-endian. */
function seccompData(call: Call): DataView {
  const data = new DataView(new ArrayBuffer(DATA_SIZE));
  data.setUint32(NR_OFFSET, call.nr, true);
  data.setUint32(ARCH_OFFSET, call.arch, true);
  data.setBigUint64(IP_OFFSET, call.ip ?? 0n, true);
  for (let index = 0; index < 6; index += 1) data.setBigUint64(16 + 8 * index, call.args[index] ?? 0n, true);
  return data;
}

/** Instructions to skip. */
function jump({ a, x }: Machine, { code, jt, jf, k }: Instruction): number {
  switch (code) {
    case CODE.ja:
      return k;
    case CODE.jeqK:
      return a === k ? jt : jf;
    case CODE.jeqX:
      return a === x ? jt : jf;
    case CODE.jgtK:
      return a > k ? jt : jf;
    case CODE.jgtX:
      return a > x ? jt : jf;
    case CODE.jgeK:
      return a >= k ? jt : jf;
    case CODE.jgeX:
      return a >= x ? jt : jf;
    case CODE.jsetK:
      return (a & k) !== 0 ? jt : jf;
    case CODE.jsetX:
      return (a & x) !== 0 ? jt : jf;
    default:
      return 0;
  }
}

function execute(machine: Machine, { code, k }: Instruction): void {
  const { x } = machine;
  switch (code) {
    case CODE.ldAbs:
      machine.a = machine.data.getUint32(k, true);
      break;
    case CODE.ldLen:
      machine.a = DATA_SIZE;
      break;
    case CODE.ldxLen:
      machine.x = DATA_SIZE;
      break;
    case CODE.ldImm:
      machine.a = k;
      break;
    case CODE.ldxImm:
      machine.x = k;
      break;
    case CODE.ldMem:
      machine.a = machine.memory[k]!;
      break;
    case CODE.ldxMem:
      machine.x = machine.memory[k]!;
      break;
    case CODE.st:
      machine.memory[k] = machine.a;
      break;
    case CODE.stx:
      machine.memory[k] = x;
      break;
    case CODE.tax:
      machine.x = machine.a;
      break;
    case CODE.txa:
      machine.a = x;
      break;
    default:
      machine.a = arithmetic(machine, code, k);
  }
}

/** All arithmetic is on unsigned 32-bit values. Shifts by X use its low 5 bits. */
function arithmetic({ a, x }: Machine, code: number, k: number): number {
  switch (code) {
    case CODE.addK:
      return (a + k) >>> 0;
    case CODE.addX:
      return (a + x) >>> 0;
    case CODE.subK:
      return (a - k) >>> 0;
    case CODE.subX:
      return (a - x) >>> 0;
    case CODE.mulK:
      return Math.imul(a, k) >>> 0;
    case CODE.mulX:
      return Math.imul(a, x) >>> 0;
    case CODE.divK:
      return Math.floor(a / k);
    case CODE.divX:
      return Math.floor(a / x);
    case CODE.andK:
      return (a & k) >>> 0;
    case CODE.andX:
      return (a & x) >>> 0;
    case CODE.orK:
      return (a | k) >>> 0;
    case CODE.orX:
      return (a | x) >>> 0;
    case CODE.xorK:
      return (a ^ k) >>> 0;
    case CODE.xorX:
      return (a ^ x) >>> 0;
    case CODE.lshK:
      return (a << k) >>> 0;
    case CODE.lshX:
      return (a << (x & 31)) >>> 0;
    case CODE.rshK:
      return a >>> k;
    case CODE.rshX:
      return a >>> (x & 31);
    case CODE.neg:
      return -a >>> 0;
    default:
      return a;
  }
}
