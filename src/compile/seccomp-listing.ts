/** The filter of a plan as a person reviews it. */
import { err, ok, type Result } from '../base/result.ts';
import { type ListingNames, listProgram } from '../bpf/listing.ts';
import { verifyProgram } from '../bpf/verify.ts';
import { type Arch, AUDIT_ARCH } from '../kernel/arch.ts';
import { syscallArguments } from '../kernel/arguments.ts';
import { flagNames } from '../kernel/constants.ts';
import { errnoName } from '../kernel/errno.ts';
import { argumentGroup, valueName } from '../kernel/print-call.ts';
import { syscallName, X32_SYSCALL_BIT } from '../kernel/syscalls.ts';
import type { BpfInstruction } from '../plan/plan.ts';

/** Names of one architecture for the listing of its programs. */
export function listingNames(arch: Arch): ListingNames {
  return {
    arch: (value) => (value === AUDIT_ARCH[arch] ? arch : undefined),
    syscall: (nr) => (arch === 'x86_64' && nr === X32_SYSCALL_BIT ? 'x32 numbers' : syscallName(arch, nr)),
    errno: errnoName,
    argument: (nr, index) => syscallArguments(syscallName(arch, nr) ?? '')?.[index]?.name,
    value: ({ nr, index, value, kind, known }) => {
      const group = argumentGroup(syscallName(arch, nr) ?? '', index, known);
      if (group === undefined) return undefined;
      return kind === 'bits' ? flagNames(group, value) : valueName(group, value);
    },
  };
}

/** One line per instruction, or why the program could not be loaded. */
export function listSeccomp(
  program: readonly BpfInstruction[],
  arch: Arch,
): Result<readonly string[], string> {
  const verified = verifyProgram(program);
  return verified.ok ? ok(listProgram(verified.value, listingNames(arch))) : err(verified.error);
}
