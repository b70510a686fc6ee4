/**
 * Classic BPF instructions as seccomp(2) takes them (linux/filter.h, linux/bpf_common.h), and the layout of
 * struct seccomp_data that they read (linux/seccomp.h).
 */

/** struct sock_filter: `code` 16 bits, `jt` and `jf` 8 bits (instructions to skip), `k` 32 bits, all unsigned. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** BPF_MAXINSNS: a longer program is refused. */
export const MAX_INSTRUCTIONS = 4096;
/** Largest distance of a conditional jump. */
export const MAX_CONDITIONAL_JUMP = 255;

/** Opcodes that the compiler emits. */
export const OPCODE = {
  /** A = 32 bits of seccomp_data at k. */
  load: 0x20,
  /** A = A & k. */
  and: 0x54,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpGreaterOrEqual: 0x35,
  /** Jumps when A & k is not zero. */
  jumpSet: 0x45,
  return: 0x06,
} as const;

/** sizeof(struct seccomp_data). */
export const DATA_SIZE = 64;
export const NR_OFFSET = 0;
export const ARCH_OFFSET = 4;
export const IP_OFFSET = 8;
const ARGS_OFFSET = 16;
export const ARGUMENTS = 6;

/** Offset of the low or high 32 bits of an argument. Both architectures that we compile for are little-endian. */
export const argumentOffset = (index: number, half: 'low' | 'high'): number =>
  ARGS_OFFSET + 8 * index + (half === 'high' ? 4 : 0);

/** What lies at an offset of seccomp_data, or null for one that is not the start of a 32-bit word in it. */
export type DataField =
  | { readonly field: 'nr' }
  | { readonly field: 'arch' }
  | { readonly field: 'ip'; readonly half: 'low' | 'high' }
  | { readonly field: 'arg'; readonly index: number; readonly half: 'low' | 'high' };

export function dataField(offset: number): DataField | null {
  if (!Number.isInteger(offset) || offset < 0 || offset >= DATA_SIZE || offset % 4 !== 0) return null;
  if (offset === NR_OFFSET) return { field: 'nr' };
  if (offset === ARCH_OFFSET) return { field: 'arch' };
  const half = offset % 8 === 0 ? 'low' : 'high';
  if (offset < ARGS_OFFSET) return { field: 'ip', half };
  return { field: 'arg', index: Math.floor((offset - ARGS_OFFSET) / 8), half };
}
