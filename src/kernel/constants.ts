/** Named numbers of Linux, in groups, and their names again for printing (src/kernel/gen/constants.ts). */
import type { Arch } from './arch.ts';
import * as gen from './gen/constants.ts';

export {
  AT,
  CLONE,
  CLOSE_RANGE,
  FAMILY,
  FCNTL,
  IO_PRIORITY,
  IOCTL,
  IP_OPTION,
  IP_PROTOCOL,
  IPV6_OPTION,
  MEMFD,
  MESSAGE,
  MODE,
  NETLINK,
  OPEN,
  PERSONALITY,
  PRCTL,
  PRIORITY,
  SECCOMP_FLAG,
  SECCOMP_MODE,
  SECCOMP_OPERATION,
  SOCKET_FLAG,
  SOCKET_LEVEL,
  SOCKET_OPTION,
  SOCKET_TYPE,
  TCP_OPTION,
} from './gen/constants.ts';

const GROUPS = {
  family: gen.FAMILY,
  socketType: gen.SOCKET_TYPE,
  socketFlag: gen.SOCKET_FLAG,
  ipProtocol: gen.IP_PROTOCOL,
  netlink: gen.NETLINK,
  message: gen.MESSAGE,
  clone: gen.CLONE,
  prctl: gen.PRCTL,
  ioctl: gen.IOCTL,
  fcntl: gen.FCNTL,
  open: gen.OPEN,
  at: gen.AT,
  mode: gen.MODE,
  seccompOperation: gen.SECCOMP_OPERATION,
  seccompMode: gen.SECCOMP_MODE,
  seccompFlag: gen.SECCOMP_FLAG,
  memfd: gen.MEMFD,
  closeRange: gen.CLOSE_RANGE,
  priority: gen.PRIORITY,
  ioPriority: gen.IO_PRIORITY,
  personality: gen.PERSONALITY,
  resource: gen.RESOURCE,
  socketLevel: gen.SOCKET_LEVEL,
  socketOption: gen.SOCKET_OPTION,
  tcpOption: gen.TCP_OPTION,
  ipOption: gen.IP_OPTION,
  ipv6Option: gen.IPV6_OPTION,
  signal: gen.SIGNAL,
  memory: gen.MEMORY,
} as const satisfies Record<string, Readonly<Record<string, number>>>;

export type ConstantGroup = keyof typeof GROUPS;

const OWN_OPEN: Readonly<Record<Arch, Readonly<Record<string, number>>>> = {
  x86_64: gen.OPEN_X86_64,
  aarch64: gen.OPEN_AARCH64,
};

/** Every CLONE_NEW* flag of clone(2): CLONE_NEWTIME lies in the exit signal there and is not one of them. */
export const CLONE_NEW_FLAGS =
  gen.CLONE.CLONE_NEWNS |
  gen.CLONE.CLONE_NEWCGROUP |
  gen.CLONE.CLONE_NEWUTS |
  gen.CLONE.CLONE_NEWIPC |
  gen.CLONE.CLONE_NEWUSER |
  gen.CLONE.CLONE_NEWPID |
  gen.CLONE.CLONE_NEWNET;

/** Second names that programs and manuals use. */
const ALIASES: Readonly<Record<string, string>> = {
  AF_LOCAL: 'AF_UNIX',
  AF_FILE: 'AF_UNIX',
  AF_ROUTE: 'AF_NETLINK',
  O_NDELAY: 'O_NONBLOCK',
  MAP_ANON: 'MAP_ANONYMOUS',
  SIGPOLL: 'SIGIO',
};

const byName = new Map<Arch, ReadonlyMap<string, number>>();

/** The value of a constant such as `AF_VSOCK` or `O_DIRECTORY`, or undefined when the name is not known. */
export function constantValue(arch: Arch, name: string): number | undefined {
  let table = byName.get(arch);
  if (table === undefined) {
    const all = [...Object.values(GROUPS), OWN_OPEN[arch]].flatMap((group) => Object.entries(group));
    table = new Map<string, number>(all);
    byName.set(arch, table);
  }
  return table.get(Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name);
}

/** The first name that a group has for a value, or undefined. */
export function constantName(group: ConstantGroup, value: number): string | undefined {
  return Object.entries(GROUPS[group]).find(([, known]) => known === value)?.[0];
}

/** Names of the single bits of a mask, `|` between them, with a hexadecimal rest; undefined when no bit has a name. */
export function flagNames(group: ConstantGroup, mask: number): string | undefined {
  const names: string[] = [];
  let rest = mask >>> 0;
  for (const [name, value] of Object.entries(GROUPS[group])) {
    const bit = value >>> 0;
    if (bit !== 0 && (bit & (bit - 1)) === 0 && (rest & bit) !== 0) {
      names.push(name);
      rest = (rest & ~bit) >>> 0;
    }
  }
  if (names.length === 0) return undefined;
  return [...names, ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join('|');
}
