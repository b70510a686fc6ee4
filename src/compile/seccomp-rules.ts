/**
 * The rules of the system call filter, for people: one per idea, under a name that never changes, since events, docs
 * and `openshell explain` carry it.
 */
import type { SyscallName } from '../kernel/syscalls.ts';

interface RuleText {
  readonly reason: string;
  /** Programs probe for it on their own and fall back: recorded, but not printed while they run. */
  readonly quiet?: true;
}

export const SECCOMP_RULES = {
  mediated_network: {
    reason:
      'which host and port may be reached is decided when a socket is connected, bound or put to listen',
  },
  unobservable: {
    reason: 'what a program asks for that its user may not read cannot be looked at; give it read permission',
  },
  interfaces: {
    reason:
      "a connected socket belongs to the host's network: what it says of interfaces is answered from the sandbox's own",
  },
  foreign_abi: {
    reason:
      'calls of another architecture or ABI (i386, x32) have other numbers, which rules for this one would miss',
  },
  unknown_syscall: {
    reason:
      'it is not on the list of what ordinary programs need; ENOSYS makes libraries use an older call instead',
  },
  hidden_flags: {
    reason:
      'its flags lie in memory where a filter cannot read them; ENOSYS makes libraries use the older call instead',
  },
  unknown_option: {
    reason:
      'Linux 6.18 has no such option, and a newer one could do anything; programs take EINVAL for "not there"',
  },
  dumpable: {
    reason: 'a process that hides its memory could not be identified; the call answers 0 and changes nothing',
  },
  ptrace: {
    reason:
      "it reads or changes another process' memory and registers, and so acts under that process' identity",
  },
  pidfd: {
    reason:
      'a pidfd is a handle on a process that outlives every check on its number; programs fall back to the number',
    quiet: true,
  },
  pidfd_getfd: {
    reason: "it takes an open file, socket or listener out of another process' hands",
  },
  other_process: {
    reason:
      "it changes another process' limits, priority or memory; on a thread of the caller's own process it is allowed",
  },
  process_image: {
    reason: 'it changes which executable a process is taken for, and rules are given to executables',
  },
  namespaces: {
    reason:
      'a new namespace brings capabilities in it and with them most of the ways out that kernels have had',
  },
  descriptor_table: {
    reason:
      'a thread with a descriptor table of its own could show the check one socket and the kernel another',
  },
  mount: {
    reason:
      'the set of mounts is what the file rules are about; nothing inside may change it or the root directory',
  },
  nested_filters: {
    reason:
      "a filter of the workload's own could answer in place of this one; the relaxation `nested_filters` allows it",
  },
  memfd_exec: {
    reason:
      'a memfd without MFD_NOEXEC_SEAL is a program that lies in no directory, so no file rule can hold it',
    quiet: true,
  },
  memfd_secret: {
    reason: 'it makes memory that cannot be inspected, and locks it in without a limit on how much',
  },
  fexecve: {
    reason:
      'it executes a descriptor instead of a path, so a program that lies in no directory; give the path instead',
  },
  io_uring: {
    reason:
      'operations that go through a ring make no system call, so no filter sees them; programs fall back',
    quiet: true,
  },
  bpf: {
    reason: 'it loads programs into the kernel',
  },
  userfaultfd: {
    reason:
      'it stops the kernel in the middle of a call for as long as one likes, which many exploits are built on',
  },
  perf_events: {
    reason: 'it watches what other processes and the kernel do',
  },
  keyring: {
    reason: "kernel keyrings belong to the user, not to the sandbox: they may hold the caller's keys",
  },
  kexec: {
    reason: 'it starts another kernel',
  },
  reboot: {
    reason: 'it stops or restarts the machine',
  },
  kernel_modules: {
    reason: 'it loads or removes kernel modules',
  },
  file_handle: {
    reason: 'it opens a file by its number on disk, past every path that rules are about',
  },
  fanotify: {
    reason: 'it watches, and may hold up, what every process does with a file system; inotify is allowed',
  },
  quota: {
    reason: 'it reads or sets disk quotas',
  },
  accounting: {
    reason: 'it records every process of the machine in a file',
  },
  swap: {
    reason: "it changes the machine's swap space",
  },
  kernel_log: {
    reason: 'the kernel log tells addresses and what others do',
  },
  clock: {
    reason: 'the clock belongs to the machine; clock_gettime reads it',
  },
  hostname: {
    reason: 'the host name is set once, before the program starts',
  },
  io_ports: {
    reason: 'it gives direct access to devices',
  },
  security_label: {
    reason: 'a process does not choose the security label that it runs under',
  },
  segments: {
    reason: 'segments of its own are needed by 16-bit programs only, and have been a way into the kernel',
  },
  personality: {
    reason: 'this execution domain weakens memory protection or has rarely used code in the kernel',
  },
  ipc: {
    reason:
      'without a namespace of its own, System V and POSIX IPC reach the objects of other sandboxes and of the host',
  },
  setuid_bit: {
    reason:
      "a set-user-id or set-group-id file lends this user's identity to whoever on the host executes it",
  },
  attributes: {
    reason:
      'Landlock has no right for mode, owner, times, attributes and flags: they are changed only of what may be written',
  },
  watching: {
    reason: 'a watch tells the names of what is used: only what may be read is watched',
  },
  file_requests: {
    reason:
      'it changes a file, or what is in a directory, that is open for reading alone, and Landlock has no right for it',
  },
  tty_input: {
    reason:
      'it types on the terminal as if the user did: what it types could run after the sandbox has ended',
  },
  terminal_setup: {
    reason: 'it hangs up a terminal, takes over the console or loads a line discipline',
  },
  signal_owner: {
    reason: 'it chooses who gets signals for a file, and this kernel cannot hold them inside the sandbox',
  },
  netlink: {
    reason:
      'netlink is for looking up network interfaces (NETLINK_ROUTE) alone, as far as `process.netlink` allows',
  },
  socket_family: {
    reason: 'sockets are AF_UNIX, AF_INET or AF_INET6; other families go past every network rule',
  },
  unix_datagram: {
    reason:
      'datagrams reach any Unix socket by its path without a connect; Unix sockets are streams or sequenced packets',
    quiet: true,
  },
  raw_socket: {
    reason: 'raw sockets read and forge packets below every network rule',
  },
  mptcp: {
    reason: 'Multipath TCP goes past rules about TCP; programs fall back to TCP',
    quiet: true,
  },
  socket_protocol: {
    reason:
      'internet sockets are TCP streams or UDP datagrams; ICMP, SCTP, UDP-Lite and others go past network rules',
  },
  fast_open: {
    reason: 'MSG_FASTOPEN connects while it sends, past the check of connect; programs fall back to connect',
  },
  socket_option: {
    reason:
      'only options that cannot send packets another way are allowed; programs take ENOPROTOOPT for "not there"',
  },
} as const satisfies Readonly<Record<string, RuleText>>;

export type SeccompRuleName = keyof typeof SECCOMP_RULES;

export const ruleText = (name: SeccompRuleName): RuleText => SECCOMP_RULES[name];

/** Rules of calls that the filter answers itself, without an event. A call that is not here: `unknown_syscall`. */
const ANSWERED: Partial<Readonly<Record<SyscallName, SeccompRuleName>>> = {
  clone3: 'hidden_flags',
  openat2: 'hidden_flags',
  sendto: 'fast_open',
  sendmsg: 'fast_open',
  sendmmsg: 'fast_open',
  setsockopt: 'socket_option',
  prctl: 'unknown_option',
  seccomp: 'unknown_option',
  setpriority: 'unknown_option',
  ioprio_set: 'unknown_option',
};

/** The rule by which the filter itself answers a call with an errno; 0 is the answer of a call that has no effect. */
export function answeringRule(call: SyscallName | undefined, errno: number): SeccompRuleName {
  if (errno === 0) return 'dumpable';
  return (call === undefined ? undefined : ANSWERED[call]) ?? 'unknown_syscall';
}
