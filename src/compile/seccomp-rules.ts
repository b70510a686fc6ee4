/**
 * The rules of the system call layer that people see: in events, in `explain`, in the documentation. Names are stable.
 * The reason says what the call would make possible, to somebody who has never heard of it.
 */

interface RuleText {
  readonly reason: string;
  /** Run times try it on their own and go on without it. */
  readonly quiet?: true;
}

export const RULES = {
  foreign_abi: {
    reason:
      'calls of a 32-bit or x32 program have other numbers than those that the filter knows, so none of them is made',
  },
  memfd_exec: {
    reason:
      'a file that exists in memory only could be executed without ever being seen on disk; with MFD_NOEXEC_SEAL it is allowed',
    quiet: true,
  },
  memfd_secret: { reason: 'memory that nobody else can read would hide what a program does' },
  ptrace: { reason: 'a tracer reads and changes everything that the traced process has and does' },
  process_memory: { reason: 'reading, writing or advising the memory of another process is a way into it' },
  kcmp: { reason: 'comparing kernel objects of two processes tells one about the other' },
  bpf: { reason: 'programs that run inside the kernel are not for sandboxed ones to load' },
  pidfd: { reason: 'a process descriptor outlives checks made on process numbers', quiet: true },
  pidfd_getfd: { reason: "taking another process's descriptor takes what that process was granted" },
  io_uring: {
    reason: 'work handed to an io_uring is done by the kernel without asking this filter',
    quiet: true,
  },
  mount: { reason: 'mounting could show files that are not part of this sandbox, or hide its protections' },
  chroot: { reason: 'a new root directory would change what every path of the policy means' },
  namespaces: {
    reason: 'a namespace of its own gives a process capabilities in it, and reaches more of the kernel',
  },
  descriptor_table: {
    reason:
      'threads with a descriptor table of their own could be taken for one another when a call is checked',
  },
  userfaultfd: {
    reason: 'it holds the kernel up in the middle of a copy, the usual first step of kernel exploits',
  },
  perf_events: {
    reason: 'performance counters observe other programs and have opened many ways into the kernel',
  },
  keyring: { reason: 'kernel keyrings are shared beyond the sandbox' },
  kexec: { reason: 'it replaces the running kernel' },
  kernel_modules: { reason: 'it puts code into the kernel' },
  file_handles: {
    reason: 'a file opened by its number is found without walking its path, past every path rule',
  },
  fanotify: { reason: 'it watches and holds up accesses to whole file systems' },
  quota: { reason: 'disk quotas belong to the host' },
  accounting: { reason: 'process accounting belongs to the host' },
  swap: { reason: 'swap space belongs to the host' },
  reboot: { reason: 'it restarts or stops the machine' },
  kernel_log: { reason: 'kernel messages tell about the host, its addresses among them' },
  system_clock: { reason: 'the clock belongs to the host' },
  port_io: { reason: 'it drives the hardware directly' },
  descriptor_tables_x86: { reason: 'x86 segment tables are used by old emulators, and by exploits' },
  personality: { reason: 'execution domains other than the usual ones switch protections off' },
  dcookie: { reason: 'it turns profiler numbers into paths of the host' },
  hangup: { reason: 'it cuts the terminal off for everybody' },
  hostname: { reason: 'the name of the machine is set by the sandbox' },
  security_label: { reason: 'a process does not choose the security label that it runs under' },
  seccomp_filter: {
    reason:
      'a filter on top of this one can break how refusals are answered; the relaxation nested_filters allows it',
    quiet: true,
  },
  seccomp_listener: { reason: 'a listener of its own would answer calls in the place of this sandbox' },
  exec_by_descriptor: { reason: 'executing an open descriptor runs a file that has no path any more' },
  tty_input: { reason: 'typing into a terminal from a program runs commands outside the sandbox' },
  tty_control: { reason: 'changing what drives a terminal reaches beyond the sandbox' },
  signal_owner: { reason: 'a descriptor with a chosen owner sends signals to processes outside the sandbox' },
  setuid_bit: { reason: 'a set-user-ID file runs with the rights of its owner, whoever starts it' },
  other_process: { reason: 'limits and scheduling of a process are its own: no other process changes them' },
  process_groups: { reason: 'priorities of whole groups and users reach processes outside the sandbox' },
  socket_family: {
    reason: 'only Unix, IPv4 and IPv6 sockets are needed; every other family is kernel code more to attack',
  },
  socket_protocol: { reason: 'only TCP and UDP can be judged by the network policy' },
  raw_socket: { reason: 'raw packets carry any protocol and any sender' },
  mptcp: { reason: 'multipath TCP walks around rules made for TCP', quiet: true },
  netlink: {
    reason: 'netlink configures and lists what belongs to the host; process.netlink says how much is open',
  },
  sysv_ipc: {
    reason: 'System V memory, semaphores and queues are shared with every process of the same user',
  },
  message_queues: { reason: 'named message queues are shared with every process of the same user' },
  connect: { reason: 'where a program may connect is said by network_policies' },
  bind: { reason: 'which addresses a program may take is decided for each' },
  listen: { reason: 'which sockets may accept connections is decided for each' },
} as const satisfies Record<string, RuleText>;

export type RuleName = keyof typeof RULES;

export const isQuiet = (name: RuleName): boolean => (RULES[name] as RuleText).quiet === true;
