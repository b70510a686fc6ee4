/**
 * Attacks of a process on others of its user (probe/same-uid*.c): what each gives without a sandbox, and what it must
 * give inside, where neither a pid namespace nor another user stands between.
 */
import type { ErrnoName } from '../../src/kernel/errno.ts';

/** Whom the program attacks, in the order of its output. */
export const VICTIMS = ['neighbour', 'init', 'warden', 'supervisor'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Row {
  readonly attack: string;
  /** The end of the sentence "the workload cannot …". */
  readonly what: string;
  /** What the same gives without a sandbox: it works, or fails for a reason of the kernel's own. */
  readonly control: 'works' | { readonly errno: ErrnoName; readonly why: string };
  /** A setting of the host on which the control depends. */
  readonly dependsOn?: string;
  /** What it may give inside. */
  readonly inside: readonly ErrnoName[];
  /** On whom it may work all the same, and why that does no harm. */
  readonly mayReach?: { readonly victims: readonly Victim[]; readonly why: string };
  readonly arch?: 'x86_64';
}

type Extra = Partial<Omit<Row, 'attack' | 'what' | 'inside'>>;

const row = (attack: string, what: string, inside: readonly ErrnoName[], extra: Extra = {}): Row => ({
  attack,
  what,
  control: 'works',
  inside,
  ...extra,
});
/** Refused by the system call filter. */
const call = (attack: string, what: string, extra: Extra = {}): Row => row(attack, what, ['EPERM'], extra);
/** Refused by Landlock, which answers either, or since the process is not dumpable. */
const file = (attack: string, what: string, extra: Extra = {}): Row =>
  row(attack, what, ['EACCES', 'EPERM'], extra);

const YAMA: Extra = { dependsOn: 'kernel.yama.ptrace_scope' };
const BUILD: Extra = { dependsOn: 'how the kernel was built' };
const NUMBERS_ONLY: Extra = {
  mayReach: { victims: ['neighbour', 'supervisor'], why: 'the numbers lead nowhere: fd-link, fd-open' },
};

export const TRACING: readonly Row[] = [
  call('ptrace-attach', 'attach to it', YAMA),
  call('ptrace-seize', 'seize it', YAMA),
  call('process-vm-readv', 'read its memory', YAMA),
  call('process-vm-writev', 'write its memory', YAMA),
  file('memory-read', 'read its memory by /proc', YAMA),
  file('memory-write', 'write its memory by /proc', YAMA),
  file('memory-of-thread', 'read its memory by way of a thread', YAMA),
  call('pidfd-open', 'get a pidfd'),
  call('pidfd-open-thread', 'get a pidfd of a thread', { dependsOn: 'Linux 6.9' }),
  call('pidfd-getfd', 'take a descriptor from it', YAMA),
  call('pidfd-send-signal', 'signal it by a pidfd or its directory in /proc'),
  call('pidfd-by-handle', 'get a pidfd by a handle', { dependsOn: 'Linux 6.14' }),
  call('process-madvise', 'advise on its memory', {
    control: { errno: 'EPERM', why: 'on another process only with CAP_SYS_NICE' },
  }),
  call('process-mrelease', 'reap its memory', {
    control: { errno: 'EINVAL', why: 'only of a process that is being killed' },
  }),
  file('environ', 'read its environment'),
  file('maps', 'read its memory map'),
  file('smaps', 'read its memory map in detail', BUILD),
  file('pagemap', 'open its page map', BUILD),
  file('auxv', 'read its auxiliary vector'),
  file('io', 'read how much it wrote', BUILD),
  file('stack', 'read its kernel stack', { control: { errno: 'EACCES', why: 'needs CAP_SYS_ADMIN' } }),
  file('syscall', 'read which call it is in', YAMA),
  file('personality', 'read its personality', YAMA),
  file('map-files', 'list what it has mapped', BUILD),
  file('fd-list', 'list its descriptors', NUMBERS_ONLY),
  file('fdinfo-list', 'list its descriptors by fdinfo'),
  file('fd-link', 'see what a descriptor of it is'),
  file('fd-open', 'open a descriptor of it'),
  file('fd-open-of-thread', 'open a descriptor by way of a thread'),
  file('fdinfo-read', 'read how a descriptor of it stands'),
  file('root', 'open its root'),
  file('cwd', 'open its working directory'),
  file('exe', 'open its executable'),
  file('exe-link', 'see what its executable is'),
  file('namespace-link', 'see its namespaces'),
  file('namespace-open', 'open a namespace of it'),
  file('oom-score', 'choose it as the one to be killed when memory is short'),
  file('timer-slack', 'change its timers', { control: { errno: 'EPERM', why: 'needs CAP_SYS_NICE' } }),
  file('clear-refs', 'clear its page references', BUILD),
  file('coredump-filter', 'choose what a core of it holds', BUILD),
  file('comm', 'rename it', { control: { errno: 'EINVAL', why: 'a process renames its own threads only' } }),
  call('perf-event-open', 'measure it', { dependsOn: 'kernel.perf_event_paranoid' }),
  call('kcmp', 'compare what it shares', BUILD),
  call('robust-list', 'read where its list of locks is'),
  call('core-scheduling', 'put it in a scheduling group', {
    dependsOn: 'a processor with two threads a core',
  }),
  call('migrate-pages', 'move its pages', BUILD),
  call('move-pages', 'place its pages', BUILD),
];

const ALL_OF_USER: Extra = { dependsOn: 'what other processes the user has' };

export const SCHEDULING: readonly Row[] = [
  call('prlimit-cpu', 'limit its processor time (which kills)'),
  call('prlimit-files', 'limit its descriptors'),
  call('prlimit-core', 'limit its cores'),
  call('prlimit-high-half', 'limit its descriptors by a number with an upper half'),
  call('prlimit-aligned', 'limit its descriptors from an address whose lower half is 0'),
  call('prlimit-int80', 'limit its descriptors by the 32-bit gate', { ...BUILD, arch: 'x86_64' }),
  call('sched-setaffinity', 'choose its processors'),
  call('sched-setscheduler', 'choose its scheduler'),
  call('sched-setparam', 'set its scheduling parameters'),
  call('sched-setattr', 'set its scheduling attributes'),
  call('setpriority-process', 'set its priority'),
  call('setpriority-high-half', 'set its priority by numbers with an upper half'),
  call('setpriority-group', 'set the priority of its group'),
  call('setpriority-user', 'set the priority of all of the user', ALL_OF_USER),
  call('ioprio-process', 'set its I/O priority'),
  call('ioprio-group', 'set the I/O priority of its group'),
  call('ioprio-user', 'set the I/O priority of all of the user', ALL_OF_USER),
];

const ENDS_ALL = 'whoever ends or stops init ends or stops its own sandbox';
const INIT: Extra = { mayReach: { victims: ['init'], why: ENDS_ALL } };
const INIT_IN_GROUP: Extra = {
  mayReach: {
    victims: ['init', 'warden'],
    why: `it is init, in the warden's group, that is reached: ${ENDS_ALL}`,
  },
};
/** The kernel accepts an owner whom it will not signal: then no signal comes. */
const owner = (attack: string, what: string, extra: Extra = {}): Row =>
  row(attack, what, ['EPERM', 'ETIMEDOUT'], { ...INIT, ...extra });

export const SIGNALS: readonly Row[] = [
  call('kill', 'signal it', INIT),
  call('kill-continue', 'let it go on', INIT),
  call('kill-int80', 'signal it by the 32-bit gate', { ...BUILD, arch: 'x86_64' }),
  call('kill-group', 'signal its group', INIT_IN_GROUP),
  call('tkill', 'signal its main thread', INIT),
  call('tgkill', 'signal a thread of it', INIT),
  call('sigqueue', 'queue a signal to it', INIT),
  call('sigqueue-thread', 'queue a signal to a thread of it', INIT),
  owner('owner', 'have the kernel signal it (F_SETOWN)'),
  owner('owner-thread', 'have the kernel signal a thread of it (F_SETOWN_EX)'),
  owner('owner-group', 'have the kernel signal its group'),
  owner('owner-fiosetown', 'have the kernel signal it (FIOSETOWN)'),
  owner('owner-siocspgrp', 'have the kernel signal it (SIOCSPGRP)'),
  owner('owner-directory', 'have a directory signal it (F_NOTIFY)', BUILD),
  call('setpgid', 'join its group', INIT),
  row('tcsetpgrp', 'give its group the terminal', ['ENXIO', 'EACCES', 'EPERM', 'ENOTTY']),
];

/** What shows that the rest is not refused by chance: on a child of its own it works. */
export const ON_A_CHILD: readonly string[] = SIGNALS.map(({ attack }) => attack).filter(
  (attack) => attack !== 'kill-int80' && attack !== 'tcsetpgrp',
);

const unix = (attack: string, what: string): Row => row(attack, what, ['EACCES', 'EPERM']);
const datagram = (attack: string, what: string): Row =>
  row(attack, what, ['ESOCKTNOSUPPORT', 'EACCES', 'EPERM']);

export const OBJECTS: readonly Row[] = [
  row('kill-all', 'signal every process of the user', ['ETIMEDOUT']),
  row('abstract-connect', 'connect to an abstract socket', ['ECONNREFUSED', 'EPERM']),
  datagram('abstract-send', 'send to an abstract socket'),
  datagram('abstract-send-from-pair', 'send to an abstract socket from an end of a pair'),
  unix('path-connect', 'connect to a socket by a path that is not granted'),
  datagram('path-send', 'send to a socket by a path that is not granted'),
  datagram('path-send-from-pair', 'send to such a socket from an end of a pair'),
  call('peer-signal', 'signal the maker of a socket that it was given (SO_PEERPIDFD)'),
  unix('peer-namespace', 'take a namespace from the maker of a socket that it was given'),
  call('shared-memory-attach', 'attach System V shared memory of another'),
  call('shared-memory-make', 'make System V shared memory'),
  call('shared-memory-list', 'list System V shared memory'),
  call('semaphore', 'use a System V semaphore of another'),
  call('message-queue', 'use a System V message queue of another'),
  call('posix-queue', 'open a POSIX message queue of another'),
  file('posix-memory-read', 'read POSIX shared memory of another'),
  file('posix-memory-write', 'write POSIX shared memory of another'),
  call('keyring-find', "find the user's keyring"),
  call('keyring-add', "add to the user's keyring"),
  call('keyring-request', "ask for a key of the user's"),
  file('terminal-read', 'read from a terminal of the user'),
  file('terminal-write', 'write to a terminal of the user'),
  call('tiocsti', 'type on its own terminal', { dependsOn: 'dev.tty.legacy_tiocsti' }),
  call('userfaultfd', 'handle page faults', BUILD),
  row('vsock', 'make a socket to the hypervisor', ['EAFNOSUPPORT'], BUILD),
  call('netlink-sock-diag', "list the host's sockets", BUILD),
  call('netlink-xfrm', 'use netlink for IPsec', BUILD),
  call('netlink-audit', 'use netlink for audit', BUILD),
  call('netlink-netfilter', 'use netlink for netfilter', BUILD),
  call('netlink-uevent', 'hear of devices', BUILD),
  call('netlink-generic', 'use generic netlink', BUILD),
  file('file-read', 'read a file that is not granted'),
  file('file-write', 'write it'),
  file('file-truncate', 'truncate it'),
  file('file-make', 'make a file beside it'),
  row('file-link', 'link it into its own directory', ['EXDEV', 'EACCES', 'EPERM']),
  file('file-mode', 'change its mode'),
  file('file-times', 'change its times'),
  file('file-attribute', 'change an attribute of it', { dependsOn: 'the file system' }),
  file('inotify-file', 'watch it'),
  file('inotify-directory', 'watch its directory, whose names it hears'),
  call('fanotify', 'watch it by fanotify', { dependsOn: 'Linux 5.13, and the file system' }),
];
