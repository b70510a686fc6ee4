/** System call names and numbers, for both architectures (src/kernel/gen/syscalls.ts, complete up to Linux 6.18). */
import type { Arch } from './arch.ts';
import { SYSCALLS_AARCH64, SYSCALLS_X86_64 } from './gen/syscalls.ts';

export type SyscallName = keyof typeof SYSCALLS_X86_64 | keyof typeof SYSCALLS_AARCH64;

const NUMBERS: Readonly<Record<Arch, Readonly<Partial<Record<string, number>>>>> = {
  x86_64: SYSCALLS_X86_64,
  aarch64: SYSCALLS_AARCH64,
};

/**
 * Numbers from here on belong to the x32 ABI, which shares AUDIT_ARCH_X86_64 with the native one
 * (__X32_SYSCALL_BIT, asm/unistd.h).
 */
export const X32_SYSCALL_BIT = 0x40000000;

/** The number of a call, or undefined where the architecture does not have it (aarch64 has no `open`). */
export function syscallNumber(arch: Arch, name: string): number | undefined {
  return Object.hasOwn(NUMBERS[arch], name) ? NUMBERS[arch][name] : undefined;
}

const names = new Map<Arch, ReadonlyMap<number, SyscallName>>();

/** The name of a call, or undefined for a number that no call of Linux 6.18 has. */
export function syscallName(arch: Arch, nr: number): SyscallName | undefined {
  let table = names.get(arch);
  if (table === undefined) {
    table = new Map(syscallNames(arch).map((name) => [NUMBERS[arch][name]!, name]));
    names.set(arch, table);
  }
  return table.get(nr);
}

/** Every call of an architecture, in the order of its numbers. */
export function syscallNames(arch: Arch): readonly SyscallName[] {
  return Object.keys(NUMBERS[arch]) as SyscallName[];
}
