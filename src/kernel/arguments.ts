/**
 * What system calls take: the name of each argument and how many of its bits the kernel looks at. A filter that
 * compares an `int` on 64 bits can be walked around with `2^32 + value`, so the width is a fact of the kernel and
 * stands here once, not in each rule.
 *
 * Sources: the SYSCALL_DEFINE lines of Linux 6.18 and the man pages (names). Only calls that a rule conditions on.
 */
import type { ConstantGroup } from './constants.ts';
import type { SyscallName } from './syscalls.ts';

/** `word`: 32 bits, as int, unsigned, pid_t, umode_t. `long`: 64 bits. `pointer`: 64 bits, an address. */
export type ArgumentKind = 'word' | 'long' | 'pointer';

export interface Argument {
  readonly name: string;
  readonly kind: ArgumentKind;
  /** Bits that the kernel looks at. */
  readonly width: 32 | 64;
  /** Where its values have names, or null. `argumentGroup` knows those that depend on another argument. */
  readonly group: ConstantGroup | null;
}

/**
 * `kind name, kind name:group of constants`. A mode is a 16-bit umode_t, so rules test single bits of it and never
 * compare it whole.
 */
const SIGNATURES = {
  // clone keeps lower_32_bits(flags); unshare refuses higher bits with EINVAL.
  clone: 'word flags:clone, pointer stack, pointer parent_tid, pointer child_tid, long tls',
  unshare: 'word flags:clone',
  socket: 'word domain:family, word type:socketType, word protocol:ipProtocol',
  socketpair: 'word domain:family, word type:socketType, word protocol:ipProtocol, pointer sv',
  setsockopt: 'word fd, word level:socketLevel, word optname:socketOption, pointer optval, word optlen',
  sendto: 'word fd, pointer buf, long len, word flags:message, pointer addr, word addrlen',
  sendmsg: 'word fd, pointer msg, word flags:message',
  sendmmsg: 'word fd, pointer msgvec, word vlen, word flags:message',
  read: 'word fd, pointer buf, long count',
  readv: 'word fd, pointer vec, long vlen',
  write: 'word fd, pointer buf, long count',
  writev: 'word fd, pointer vec, long vlen',
  recvfrom: 'word fd, pointer buf, long size, word flags:message, pointer addr, pointer addrlen',
  recvmsg: 'word fd, pointer msg, word flags:message',
  recvmmsg: 'word fd, pointer msgvec, word vlen, word flags:message, pointer timeout',
  connect: 'word fd, pointer addr, word addrlen',
  bind: 'word fd, pointer addr, word addrlen',
  listen: 'word fd, word backlog',
  open: 'pointer pathname, word flags:open, word mode:mode',
  openat: 'word dirfd, pointer pathname, word flags:open, word mode:mode',
  creat: 'pointer pathname, word mode:mode',
  mknod: 'pointer pathname, word mode:mode, word dev',
  mknodat: 'word dirfd, pointer pathname, word mode:mode, word dev',
  chmod: 'pointer pathname, word mode:mode',
  fchmod: 'word fd, word mode:mode',
  fchmodat: 'word dirfd, pointer pathname, word mode:mode',
  fchmodat2: 'word dirfd, pointer pathname, word mode:mode, word flags:at',
  execveat: 'word dirfd, pointer pathname, pointer argv, pointer envp, word flags:at',
  close_range: 'word first, word last, word flags:closeRange',
  memfd_create: 'pointer name, word flags:memfd',
  ioctl: 'word fd, word op:ioctl, long arg',
  fcntl: 'word fd, word op:fcntl, long arg',
  prctl: 'word op:prctl, long arg2, long arg3, long arg4, long arg5',
  seccomp: 'word op:seccompOperation, word flags:seccompFlag, pointer args',
  personality: 'word persona:personality',
  prlimit64: 'word pid, word resource:resource, pointer new_limit, pointer old_limit',
  sched_setparam: 'word pid, pointer param',
  sched_setscheduler: 'word pid, word policy, pointer param',
  sched_setattr: 'word pid, pointer attr, word flags',
  sched_setaffinity: 'word pid, word cpusetsize, pointer mask',
  setpriority: 'word which:priority, word who, word prio',
  ioprio_set: 'word which:ioPriority, word who, word ioprio',
  migrate_pages: 'word pid, long maxnode, pointer old_nodes, pointer new_nodes',
  move_pages: 'word pid, long count, pointer pages, pointer nodes, pointer status, word flags',
} as const satisfies Partial<Record<SyscallName, string>>;

export type ConditionedSyscall = keyof typeof SIGNATURES;

const parsed = new Map<string, readonly Argument[]>();

/** The arguments of a call, or undefined for one that no rule conditions on. */
export function syscallArguments(name: string): readonly Argument[] | undefined {
  const known = parsed.get(name);
  if (known !== undefined || !Object.hasOwn(SIGNATURES, name)) return known;
  const list = SIGNATURES[name as ConditionedSyscall].split(', ').map((text): Argument => {
    const [kind, argument, group] = text.split(/[ :]/) as [ArgumentKind, string, ConstantGroup?];
    return { name: argument, kind, width: kind === 'word' ? 32 : 64, group: group ?? null };
  });
  parsed.set(name, list);
  return list;
}

/** Every call whose arguments are known. */
export const conditionedSyscalls = (): readonly ConditionedSyscall[] =>
  Object.keys(SIGNATURES) as ConditionedSyscall[];
