/** System calls as a person reads them: `socket(AF_VSOCK, SOCK_STREAM|SOCK_CLOEXEC, 0)`. */
import type { Arch } from './arch.ts';
import { syscallArguments } from './arguments.ts';
import { type ConstantGroup, constantName, FAMILY, flagNames, SOCKET_LEVEL } from './constants.ts';
import { syscallName } from './syscalls.ts';

/** Groups whose values are sums of flags. */
const FLAGS: ReadonlySet<ConstantGroup> = new Set([
  'message',
  'clone',
  'open',
  'at',
  'seccompFlag',
  'memfd',
  'closeRange',
  'socketFlag',
]);

const OPTIONS_OF_LEVEL: ReadonlyMap<number, ConstantGroup> = new Map([
  [SOCKET_LEVEL.SOL_SOCKET, 'socketOption'],
  [SOCKET_LEVEL.SOL_TCP, 'tcpOption'],
  [SOCKET_LEVEL.SOL_IP, 'ipOption'],
  [SOCKET_LEVEL.SOL_IPV6, 'ipv6Option'],
]);

/** Low bits of a socket type (SOCK_TYPE_MASK in linux/net.h); the rest are flags. */
const SOCKET_TYPE_MASK = 0xf;

/**
 * The constants that an argument takes, given the other arguments as far as they are known: the protocol of a netlink
 * socket, the options of a level.
 */
export function argumentGroup(
  name: string,
  index: number,
  known: (index: number) => number | undefined,
): ConstantGroup | undefined {
  const argument = syscallArguments(name)?.[index];
  if (name === 'setsockopt' && index === 2) return OPTIONS_OF_LEVEL.get(known(1) ?? -1);
  if (argument?.group === 'ipProtocol' && known(0) === FAMILY.AF_NETLINK) return 'netlink';
  return argument?.group ?? undefined;
}

/** A value by its name in a group: one constant, or flags; undefined when it has none. */
export function valueName(group: ConstantGroup, value: number): string | undefined {
  if (group === 'socketType') return socketTypeName(value);
  if (group === 'mode') return value === 0 ? '0' : `0${value.toString(8)}`;
  return constantName(group, value) ?? (FLAGS.has(group) ? flagNames(group, value) : undefined);
}

function socketTypeName(value: number): string | undefined {
  const type = constantName('socketType', value & SOCKET_TYPE_MASK);
  const rest = (value & ~SOCKET_TYPE_MASK) >>> 0;
  if (type === undefined || rest === 0) return type;
  const flags = flagNames('socketFlag', rest);
  return flags === undefined ? undefined : `${type}|${flags}`;
}

/**
 * The arguments of a call, as many as it takes where that is known and six otherwise. Values come from inside the
 * sandbox: what is printed is digits and names of ours only.
 */
export function printArguments(arch: Arch, nr: number, args: readonly bigint[]): readonly string[] {
  const name = syscallName(arch, nr) ?? '';
  const list = syscallArguments(name);
  if (list === undefined) return args.map((value) => plain(BigInt.asUintN(64, value)));
  const known = (index: number): number => Number(BigInt.asUintN(32, args[index] ?? 0n));
  return list.map((argument, index) => {
    const value = BigInt.asUintN(argument.width, args[index] ?? 0n);
    const group = argumentGroup(name, index, known);
    const named = group === undefined ? undefined : valueName(group, Number(value));
    if (named !== undefined) return named;
    return argument.kind === 'word' ? signedWord(Number(value)) : plain(value);
  });
}

/** Small values in decimal, addresses and masks in hexadecimal. */
const plain = (value: bigint): string => (value < 4096n ? String(value) : `0x${value.toString(16)}`);

/** `-1` for a descriptor or process number of all ones; large masks in hexadecimal. */
function signedWord(value: number): string {
  if (value >= 0xffff_f000) return String(value - 2 ** 32);
  return plain(BigInt(value));
}
