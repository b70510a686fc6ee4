import { describe, expect, it } from 'vitest';
import { explainSyscall } from '../../src/compile/explain-syscall.ts';
import type { SeccompInput } from '../../src/compile/seccomp-clause.ts';
import { errnoName } from '../../src/kernel/errno.ts';
import type { Relaxation } from '../../src/policy/policy.ts';
import { planOf, STANDARD } from './seccomp-plans.ts';

/** `allow`, `EPERM by ptrace`, `own_thread by other_process`, `returns 0 by dumpable`. */
function outcome(call: string, change: Partial<SeccompInput> = {}): string {
  const input = { ...STANDARD, ...change };
  const explained = explainSyscall(planOf(input), input.arch, call);
  if (!explained.ok) throw new Error(`${call}: ${explained.error}`);
  const { verdict, errno, rule, handler } = explained.value;
  if (verdict === 'allow') return 'allow';
  if (verdict === 'mediated' && handler === null) return `returns ${errno} by ${rule?.name}`;
  return `${verdict === 'mediated' ? handler : errnoName(errno!)} by ${rule?.name}`;
}

const relaxed = (...names: Relaxation[]): Partial<SeccompInput> => ({
  relaxations: names.map((name, index) => ({ name, line: 7 + index })),
});

describe('calls that the design refuses by name', () => {
  it.each([
    ['memfd_create("x", 0)', 'EPERM by memfd_exec'],
    ['memfd_create("x", MFD_CLOEXEC|MFD_ALLOW_SEALING)', 'EPERM by memfd_exec'],
    ['memfd_create("x", MFD_EXEC)', 'EPERM by memfd_exec'],
    ['memfd_secret(0)', 'EPERM by memfd_secret'],
    ['ptrace(0, 0)', 'EPERM by ptrace'],
    ['process_vm_readv(1)', 'EPERM by ptrace'],
    ['process_vm_writev(1)', 'EPERM by ptrace'],
    ['kcmp(1, 2)', 'EPERM by ptrace'],
    ['process_madvise(3)', 'EPERM by other_process'],
    ['process_mrelease(3)', 'EPERM by other_process'],
    ['bpf(0)', 'EPERM by bpf'],
    ['pidfd_open(1, 0)', 'EPERM by pidfd'],
    ['pidfd_send_signal(3, SIGTERM)', 'EPERM by pidfd'],
    ['pidfd_getfd(3, 4, 0)', 'EPERM by pidfd_getfd'],
    ['io_uring_setup(8)', 'EPERM by io_uring'],
    ['io_uring_enter(3)', 'EPERM by io_uring'],
    ['io_uring_register(3)', 'EPERM by io_uring'],
    ['mount("a", "b")', 'EPERM by mount'],
    ['umount2("a", 0)', 'EPERM by mount'],
    ['pivot_root("a", "b")', 'EPERM by mount'],
    ['chroot("a")', 'EPERM by mount'],
    ['fsopen("tmpfs", 0)', 'EPERM by mount'],
    ['fsconfig(3)', 'EPERM by mount'],
    ['fsmount(3)', 'EPERM by mount'],
    ['fspick(3)', 'EPERM by mount'],
    ['move_mount(3)', 'EPERM by mount'],
    ['open_tree(3)', 'EPERM by mount'],
    ['open_tree_attr(3)', 'EPERM by mount'],
    ['mount_setattr(3)', 'EPERM by mount'],
    ['setns(3, CLONE_NEWNET)', 'EPERM by namespaces'],
    ['unshare(CLONE_NEWUSER)', 'EPERM by namespaces'],
    ['unshare(CLONE_NEWNS|CLONE_FS)', 'EPERM by namespaces'],
    ['unshare(CLONE_NEWTIME)', 'EPERM by namespaces'],
    ['unshare(CLONE_NEWUSER|CLONE_FILES)', 'EPERM by namespaces'],
    ['unshare(CLONE_FILES)', 'EPERM by descriptor_table'],
    ['unshare(CLONE_FILES|CLONE_FS)', 'EPERM by descriptor_table'],
    ['close_range(3, 0xffffffff, CLOSE_RANGE_UNSHARE)', 'EPERM by descriptor_table'],
    ['clone(CLONE_NEWUSER|SIGCHLD)', 'EPERM by namespaces'],
    ['clone(CLONE_NEWNS|SIGCHLD)', 'EPERM by namespaces'],
    ['clone(CLONE_NEWCGROUP|SIGCHLD)', 'EPERM by namespaces'],
    ['clone(CLONE_NEWUTS|SIGCHLD)', 'EPERM by namespaces'],
    ['clone(CLONE_NEWIPC|SIGCHLD)', 'EPERM by namespaces'],
    ['clone(CLONE_NEWPID|SIGCHLD)', 'EPERM by namespaces'],
    ['clone(CLONE_NEWNET|SIGCHLD)', 'EPERM by namespaces'],
    ['clone(CLONE_NEWUSER|CLONE_THREAD|CLONE_VM|CLONE_SIGHAND)', 'EPERM by namespaces'],
    ['clone(CLONE_THREAD|CLONE_VM|CLONE_SIGHAND)', 'EPERM by descriptor_table'],
    ['clone3(0, 88)', 'ENOSYS by hidden_flags'],
    ['openat2(3, "a", 0)', 'ENOSYS by hidden_flags'],
    ['userfaultfd(0)', 'EPERM by userfaultfd'],
    ['perf_event_open(0)', 'EPERM by perf_events'],
    ['lookup_dcookie(0)', 'EPERM by perf_events'],
    ['keyctl(0)', 'EPERM by keyring'],
    ['add_key("a")', 'EPERM by keyring'],
    ['request_key("a")', 'EPERM by keyring'],
    ['kexec_load(0)', 'EPERM by kexec'],
    ['kexec_file_load(3)', 'EPERM by kexec'],
    ['init_module(0)', 'EPERM by kernel_modules'],
    ['finit_module(3)', 'EPERM by kernel_modules'],
    ['delete_module("a")', 'EPERM by kernel_modules'],
    ['open_by_handle_at(3)', 'EPERM by file_handle'],
    ['fanotify_init(0)', 'EPERM by fanotify'],
    ['fanotify_mark(3)', 'EPERM by fanotify'],
    ['quotactl(0)', 'EPERM by quota'],
    ['quotactl_fd(3)', 'EPERM by quota'],
    ['acct("a")', 'EPERM by accounting'],
    ['swapon("a")', 'EPERM by swap'],
    ['swapoff("a")', 'EPERM by swap'],
    ['reboot(0)', 'EPERM by reboot'],
    ['syslog(3)', 'EPERM by kernel_log'],
    ['settimeofday(0)', 'EPERM by clock'],
    ['clock_settime(0)', 'EPERM by clock'],
    ['clock_adjtime(0)', 'EPERM by clock'],
    ['adjtimex(0)', 'EPERM by clock'],
    ['iopl(3)', 'EPERM by io_ports'],
    ['ioperm(0, 1, 1)', 'EPERM by io_ports'],
    ['modify_ldt(1)', 'EPERM by segments'],
    ['personality(READ_IMPLIES_EXEC)', 'EPERM by personality'],
    ['vhangup()', 'EPERM by terminal_setup'],
    ['sethostname("a", 1)', 'EPERM by hostname'],
    ['setdomainname("a", 1)', 'EPERM by hostname'],
    ['lsm_set_self_attr(0)', 'EPERM by security_label'],
    ['seccomp(SECCOMP_SET_MODE_FILTER, 0)', 'EPERM by nested_filters'],
    ['seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER)', 'EPERM by nested_filters'],
    ['prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER)', 'EPERM by nested_filters'],
    ['prctl(PR_SET_MM, 0)', 'EPERM by process_image'],
    ['prctl(PR_SCHED_CORE, 0, 5)', 'EPERM by other_process'],
    ['execveat(3, "", 0, 0, AT_EMPTY_PATH)', 'EPERM by fexecve'],
    ['ioctl(0, TIOCSTI, "x")', 'EPERM by tty_input'],
    ['ioctl(0, TIOCLINUX, 0)', 'EPERM by tty_input'],
    ['ioctl(0, TIOCCONS, 0)', 'EPERM by terminal_setup'],
    ['ioctl(0, TIOCSETD, 0)', 'EPERM by terminal_setup'],
    ['ioctl(0, TIOCVHANGUP, 0)', 'EPERM by terminal_setup'],
    ['chmod("a", 04755)', 'EPERM by setuid_bit'],
    ['fchmod(3, 04755)', 'EPERM by setuid_bit'],
    ['fchmodat(3, "a", 04755)', 'EPERM by setuid_bit'],
    ['fchmodat2(3, "a", S_ISUID, 0)', 'EPERM by setuid_bit'],
    ['creat("a", 06755)', 'EPERM by setuid_bit'],
    ['mknod("a", S_IFREG|S_ISUID, 0)', 'EPERM by setuid_bit'],
    ['mknodat(3, "a", S_IFREG|S_ISUID, 0)', 'EPERM by setuid_bit'],
    ['open("a", O_CREAT|O_WRONLY, 04700)', 'EPERM by setuid_bit'],
    ['openat(3, "a", O_CREAT|O_WRONLY, 04700)', 'EPERM by setuid_bit'],
    ['openat(3, "a", O_TMPFILE|O_RDWR, 04700)', 'EPERM by setuid_bit'],
    ['chmod("a", 02755)', 'EPERM by setuid_bit'],
    ['fchmod(3, 02755)', 'EPERM by setuid_bit'],
    ['fchmodat(3, "a", S_ISGID)', 'EPERM by setuid_bit'],
    ['fchmodat2(3, "a", 02755, 0)', 'EPERM by setuid_bit'],
    ['creat("a", 02755)', 'EPERM by setuid_bit'],
    ['mknodat(3, "a", S_IFREG|S_ISGID, 0)', 'EPERM by setuid_bit'],
    ['openat(3, "a", O_CREAT|O_WRONLY, 02700)', 'EPERM by setuid_bit'],
    ['syscall_0x40000000()', 'EPERM by foreign_abi'],
    ['syscall_500(1)', 'ENOSYS by unknown_syscall'],
    ['uselib("a")', 'ENOSYS by unknown_syscall'],
  ])('%s: %s', (call, expected) => {
    expect(outcome(call)).toBe(expected);
  });
});

describe('calls that ordinary programs make', () => {
  it.each([
    'memfd_create("x", MFD_NOEXEC_SEAL)',
    'memfd_create("x", MFD_NOEXEC_SEAL|MFD_CLOEXEC|MFD_ALLOW_SEALING)',
    // fork of glibc, pthread_create, posix_spawn, Go's threads, Go's processes.
    'clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD)',
    'clone(CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS)',
    'clone(CLONE_VM|CLONE_VFORK|SIGCHLD)',
    'clone(CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_SYSVSEM|CLONE_THREAD)',
    'clone(CLONE_VFORK|CLONE_VM|CLONE_PIDFD|SIGCHLD)',
    // In clone the bit of CLONE_NEWTIME belongs to the exit signal.
    'clone(0x80)',
    'unshare(CLONE_FS)',
    'close_range(3, 0xffffffff, CLOSE_RANGE_CLOEXEC)',
    'execve("a")',
    'execveat(AT_FDCWD, "a", 0, 0, AT_SYMLINK_NOFOLLOW)',
    'personality(0xffffffff)',
    'personality(PER_LINUX)',
    'personality(ADDR_NO_RANDOMIZE)',
    'prctl(PR_SET_NAME, "x")',
    'prctl(PR_SET_NO_NEW_PRIVS, 1)',
    'prctl(PR_SET_PDEATHSIG, SIGKILL)',
    'prctl(PR_SET_VMA, 0)',
    'prctl(PR_SET_PTRACER, 1)',
    'prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)',
    'seccomp(SECCOMP_GET_ACTION_AVAIL)',
    'prlimit64(0, RLIMIT_NOFILE, 0x1000, 0)',
    'prlimit64(1, RLIMIT_NOFILE, 0, 0x1000)',
    'sched_setaffinity(0, 8, 0x1000)',
    'setpriority(PRIO_PROCESS, 0, 10)',
    'ioprio_set(IOPRIO_WHO_PROCESS, 0, 7)',
    'ioctl(0, TCGETS, 0x1000)',
    'ioctl(0, TIOCSCTTY, 0)',
    'ioctl(0, FIOASYNC, 0x1000)',
    'ioctl(0, FIOSETOWN, 0x1000)',
    'fcntl(3, F_SETOWN, 5)',
    'fcntl(3, F_SETFL, O_NONBLOCK)',
    'chmod("a", 01777)',
    'mkdir("a", 04755)',
    // The kernel looks at the mode only where a file is made.
    'open("a", O_RDONLY, 04755)',
    'openat(AT_FDCWD, "a", O_DIRECTORY, 0xffffffff)',
    'openat(AT_FDCWD, "a", O_CREAT, 0666)',
    'mknod("a", S_IFIFO|0600, 0)',
    'shmget(1)',
    'mq_open("a")',
    'inotify_init1(0)',
    'futex_waitv(0)',
    'rseq(0)',
    'membarrier(0)',
    'statx(3)',
    'copy_file_range(3)',
    'landlock_create_ruleset(0)',
    'mseal(0)',
    'cachestat(3)',
    'map_shadow_stack(0)',
    'setxattrat(3)',
    'uretprobe()',
  ])('%s is allowed', (call) => {
    expect(outcome(call)).toBe('allow');
  });

  it('answers PR_SET_DUMPABLE with 0 and no effect, and unknown options as a kernel without them', () => {
    expect(outcome('prctl(PR_SET_DUMPABLE, 0)')).toBe('returns 0 by dumpable');
    expect(outcome('prctl(79)')).toBe('EINVAL by unknown_option');
    expect(outcome('seccomp(4)')).toBe('EINVAL by unknown_option');
    expect(outcome('setpriority(3, 0, 0)')).toBe('EINVAL by unknown_option');
    expect(outcome('ioprio_set(0, 0, 0)')).toBe('EINVAL by unknown_option');
  });
});

describe('calls on a thread', () => {
  it.each([
    ['prlimit64(5, RLIMIT_CPU, 0x1000, 0)', 0],
    ['prlimit64(-1, RLIMIT_CPU, 0x100000000, 0)', 0],
    ['sched_setaffinity(5)', 0],
    ['sched_setattr(5)', 0],
    ['sched_setparam(5)', 0],
    ['sched_setscheduler(5)', 0],
    ['migrate_pages(5)', 0],
    ['move_pages(5)', 0],
    ['setpriority(PRIO_PROCESS, 5, 0)', 1],
    ['ioprio_set(IOPRIO_WHO_PROCESS, 5, 0)', 1],
  ])('%s is allowed for the own process only, by argument %d', (call, thread) => {
    expect(outcome(call)).toBe('own_thread by other_process');
    const rows = planOf(STANDARD).notify.filter(({ handler }) => handler === 'own_thread');
    const explained = explainSyscall(planOf(STANDARD), 'x86_64', call);
    const rule = explained.ok ? explained.value.rule : null;
    expect(rows.some((row) => row.thread === thread && row.questions.length === 0)).toBe(true);
    expect(rule?.reason).toContain("caller's own process");
  });

  it.each([
    'setpriority(PRIO_PGRP, 0, 0)',
    'setpriority(PRIO_USER, 0, 0)',
    'ioprio_set(2, 0)',
    'ioprio_set(3, 0)',
  ])('%s is refused, since it reaches more than one process', (call) => {
    expect(outcome(call)).toBe('EPERM by other_process');
  });
});

describe('relaxations', () => {
  it.each([
    ['memfd_exec', 'memfd_create("x", 0)'],
    ['pidfd', 'pidfd_open(1, 0)'],
    ['pidfd', 'pidfd_send_signal(3, 0)'],
    ['io_uring', 'io_uring_setup(8)'],
    ['io_uring', 'io_uring_enter(3)'],
    ['io_uring', 'io_uring_register(3)'],
    ['ptrace_own', 'ptrace(0)'],
    ['ptrace_own', 'process_vm_readv(1)'],
    ['ptrace_own', 'process_vm_writev(1)'],
    ['ptrace_own', 'kcmp(1)'],
    ['userfaultfd', 'userfaultfd(0)'],
    ['keyring', 'keyctl(0)'],
    ['keyring', 'add_key("a")'],
    ['keyring', 'request_key("a")'],
    ['nested_filters', 'seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC)'],
    ['nested_filters', 'prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER)'],
  ] as const)('%s allows %s', (name, call) => {
    expect(outcome(call)).not.toBe('allow');
    expect(outcome(call, relaxed(name))).toBe('allow');
  });

  it.each([
    ['pidfd', 'pidfd_getfd(3, 4, 0)', 'EPERM by pidfd_getfd'],
    ['memfd_exec', 'memfd_secret(0)', 'EPERM by memfd_secret'],
    ['ptrace_own', 'process_madvise(3)', 'EPERM by other_process'],
    [
      'nested_filters',
      'seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER)',
      'EPERM by nested_filters',
    ],
  ] as const)('%s leaves %s refused', (name, call, expected) => {
    expect(outcome(call, relaxed(name))).toBe(expected);
  });

  it('gives a rule the line of the policy that shaped it', () => {
    const plan = planOf({
      ...STANDARD,
      ...relaxed('pidfd', 'nested_filters'),
      netlink: { mode: 'deny', line: 3 },
    });
    const lines = Object.fromEntries(plan.rules.map(({ name, line }) => [name, line]));
    expect(lines).toMatchObject({ netlink: 3, nested_filters: 8, mount: null });
    expect(lines).not.toHaveProperty('pidfd');
  });

  it('marks what programs probe for on their own as quiet, and nothing else', () => {
    const quiet = planOf(STANDARD).rules.filter((rule) => rule.quiet);
    expect(quiet.map(({ name }) => name)).toEqual([
      'pidfd',
      'memfd_exec',
      'io_uring',
      'unix_datagram',
      'mptcp',
    ]);
  });
});

describe('tiers', () => {
  const platform = { tier: 'platform' } as const;
  const unscoped = { tier: 'platform', landlockAbi: 5 } as const;

  it.each(['shmget(1)', 'semop(1)', 'msgsnd(1)', 'mq_open("a")', 'mq_unlink("a")'])(
    '%s is refused where no namespace holds it',
    (call) => {
      expect(outcome(call)).toBe('allow');
      expect(outcome(call, platform)).toBe('EPERM by ipc');
    },
  );

  it('refuses to choose who gets signals only where neither a namespace nor Landlock holds them inside', () => {
    for (const call of [
      'fcntl(3, F_SETOWN, 5)',
      'fcntl(3, F_SETOWN_EX)',
      'fcntl(3, F_SETSIG)',
      'ioctl(3, FIOSETOWN)',
    ])
      expect(outcome(call, platform)).toBe('allow');
    for (const call of ['fcntl(3, F_SETOWN, 5)', 'ioctl(3, FIOSETOWN)'])
      expect(outcome(call, { landlockAbi: 0 })).toBe('allow');
    expect(outcome('fcntl(3, F_SETOWN, 5)', unscoped)).toBe('own_thread by signal_owner');
    expect(outcome('fcntl(3, F_SETOWN_EX, 5)', unscoped)).toBe('EPERM by signal_owner');
    expect(outcome('fcntl(3, F_SETSIG, 5)', unscoped)).toBe('EPERM by signal_owner');
    expect(outcome('ioctl(3, FIOSETOWN, 5)', unscoped)).toBe('EPERM by signal_owner');
    expect(outcome('ioctl(3, SIOCSPGRP, 5)', unscoped)).toBe('EPERM by signal_owner');
    expect(outcome('fcntl(3, F_GETOWN)', unscoped)).toBe('allow');
  });
});

describe('architectures', () => {
  it('leaves out calls that aarch64 does not have, and treats the others alike', () => {
    const arm = { arch: 'aarch64' } as const;
    expect(outcome('clone(CLONE_NEWUSER)', arm)).toBe('EPERM by namespaces');
    expect(outcome('openat(3, "a", O_CREAT, 04755)', arm)).toBe('EPERM by setuid_bit');
    expect(outcome('syscall_0x40000000()', arm)).toBe('ENOSYS by unknown_syscall');
    const names = planOf({ ...STANDARD, ...arm }).rules.map(({ name }) => name);
    expect(names).not.toContain('io_ports');
    expect(names).toContain('ptrace');
  });
});
