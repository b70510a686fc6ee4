/**
 * Reads a system call as people and strace write it: `socket(AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC, 0)`, `ptrace`,
 * `openat(AT_FDCWD, "/etc/passwd", O_RDONLY)`, `syscall_0x1f4(1, 2)`.
 */
import { err, ok, type Result } from '../base/result.ts';
import type { Arch } from '../kernel/arch.ts';
import { syscallArguments } from '../kernel/arguments.ts';
import { constantValue } from '../kernel/constants.ts';
import { syscallName, syscallNumber } from '../kernel/syscalls.ts';

export interface CallExpression {
  /** As the tables have it, or `syscall_N` for a number without a name. */
  readonly name: string;
  readonly nr: number;
  /** Six 64-bit values; arguments that are not written are 0. */
  readonly args: readonly bigint[];
}

const MAX_LENGTH = 1000;
const MAX_ARGUMENTS = 6;
/** Stands for any address: what a string or a structure is to a filter. */
const SOME_ADDRESS = 0x7f00_0000_1000n;

export function parseCall(text: string, arch: Arch): Result<CallExpression, string> {
  if (text.length > MAX_LENGTH) return err(`the call is longer than ${MAX_LENGTH} characters`);
  const match = /^\s*([A-Za-z_]\w*)\s*(?:\((.*)\)\s*)?$/s.exec(text);
  if (match === null) return err('expected a call such as `ptrace` or `socket(AF_VSOCK, SOCK_STREAM, 0)`');
  const nr = numberOf(match[1]!, arch);
  if (!nr.ok) return nr;
  const args = parseArguments(match[2] ?? '', arch);
  if (!args.ok) return args;
  const name = syscallName(arch, nr.value) ?? match[1]!;
  const takes = syscallArguments(name)?.length ?? MAX_ARGUMENTS;
  if (args.value.length > takes) return err(`${name} takes ${takes} arguments, not ${args.value.length}`);
  const missing = new Array<bigint>(MAX_ARGUMENTS - args.value.length).fill(0n);
  return ok({ name, nr: nr.value, args: [...args.value, ...missing] });
}

/** `syscall_N` names a call by its number, as strace prints those that it does not know. */
function numberOf(name: string, arch: Arch): Result<number, string> {
  const numbered = /^syscall_(0x[0-9a-f]{1,8}|\d{1,10})$/i.exec(name);
  if (numbered !== null) {
    const nr = Number(numbered[1]);
    return nr <= 0xffff_ffff ? ok(nr) : err(`system call number ${nr} has more than 32 bits`);
  }
  const nr = syscallNumber(arch, name);
  if (nr !== undefined) return ok(nr);
  const other: Arch = arch === 'x86_64' ? 'aarch64' : 'x86_64';
  if (syscallNumber(other, name) !== undefined)
    return err(`${name} does not exist on ${arch}, only on ${other}`);
  return err(`there is no system call \`${name}\``);
}

function parseArguments(text: string, arch: Arch): Result<readonly bigint[], string> {
  if (text.trim() === '') return ok([]);
  const values: bigint[] = [];
  for (const part of splitArguments(text)) {
    let value = 0n;
    for (const term of part.startsWith('"') ? [part] : part.split('|')) {
      const read = parseTerm(term.trim(), arch);
      if (!read.ok) return read;
      value |= read.value;
    }
    values.push(value);
  }
  if (values.length > MAX_ARGUMENTS) return err(`a system call has at most ${MAX_ARGUMENTS} arguments`);
  return ok(values);
}

/** At commas outside of strings. */
function splitArguments(text: string): readonly string[] {
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"]|")+|(?<=,)(?=,)|^(?=,)|(?<=,)$/gs) ?? [];
  return parts.map((part) => part.trim());
}

function parseTerm(term: string, arch: Arch): Result<bigint, string> {
  if (term === '') return err('an argument is missing: write 0 for one that does not matter');
  if (term === 'NULL') return ok(0n);
  if (/^"(?:[^"\\]|\\.)*"$/s.test(term)) return ok(SOME_ADDRESS);
  const number = /^(-?)(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.exec(term);
  if (number !== null) return parseNumber(number[1] === '-', number[2]!);
  if (/^[A-Za-z_]\w*$/.test(term)) {
    const value = constantValue(arch, term);
    return value === undefined
      ? err(`\`${term}\` is not a constant that is known`)
      : ok(BigInt.asUintN(64, BigInt(value)));
  }
  return err(`\`${term}\` is neither a number, a constant nor a string`);
}

/** As in C: `0x` is hexadecimal, a leading 0 octal. */
function parseNumber(negative: boolean, digits: string): Result<bigint, string> {
  if (digits.length > 24) return err(`\`${digits}\` does not fit in 64 bits`);
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const fits = negative ? value <= 1n << 63n : value < 1n << 64n;
  return fits
    ? ok(BigInt.asUintN(64, negative ? -value : value))
    : err(`\`${digits}\` does not fit in 64 bits`);
}
