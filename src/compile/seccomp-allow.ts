/**
 * System calls that are allowed whatever their arguments are, by what they are for. It is what ordinary programs need:
 * C libraries (glibc, musl), the run times of Go, Java, Node, Python and Rust, compilers, shells, servers. Names that an
 * architecture does not have are left out there. Calls that are in no list here or in the other tables get ENOSYS,
 * so that a C library falls back to an older one.
 */

const ALLOWED_BY_PURPOSE = {
  // io_submit reads, writes, syncs and polls descriptors of the caller, nothing else: unlike io_uring it opens nothing.
  input_and_output: `read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 lseek sendfile splice tee
    vmsplice copy_file_range readahead fadvise64 fsync fdatasync sync syncfs sync_file_range fallocate ftruncate truncate
    io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents cachestat`,

  descriptors: `close dup dup2 dup3 pipe pipe2 flock eventfd eventfd2 signalfd signalfd4 poll ppoll select pselect6
    epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 timerfd_create timerfd_settime
    timerfd_gettime inotify_init inotify_init1 inotify_add_watch inotify_rm_watch`,

  files: `stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 getcwd chdir fchdir rename renameat
    renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat readlink readlinkat getdents getdents64
    chown fchown lchown fchownat umask utime utimes futimesat utimensat name_to_handle_at file_getattr file_setattr`,

  extended_attributes: `setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
    removexattr lremovexattr fremovexattr setxattrat getxattrat listxattrat removexattrat`,

  memory: `brk mmap munmap mprotect mremap msync mincore madvise mlock mlock2 munlock mlockall munlockall
    remap_file_pages membarrier mseal map_shadow_stack pkey_mprotect pkey_alloc pkey_free mbind set_mempolicy
    get_mempolicy set_mempolicy_home_node`,

  // Which ids a process may take is the user namespace's business; it has no capability to take others.
  processes: `fork vfork execve exit exit_group wait4 waitid getpid getppid gettid getpgid getpgrp setpgid getsid setsid
    getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid
    setfsuid setfsgid setgroups capget capset set_tid_address getrusage times getrlimit setrlimit sysinfo uname
    getpriority ioprio_get sched_yield sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min sched_rr_get_interval sched_getaffinity sched_getattr getcpu arch_prctl restart_syscall`,

  threads: `futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list rseq`,

  // Whom a signal reaches is held by the process namespace, or by the Landlock scope.
  signals: `rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigqueueinfo
    rt_tgsigqueueinfo sigaltstack pause kill tkill tgkill`,

  time: `time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer setitimer timer_create
    timer_settime timer_gettime timer_getoverrun timer_delete`,

  // connect, bind, listen, socket and those that send are treated one by one elsewhere.
  sockets: `accept accept4 getsockname getpeername getsockopt recvfrom recvmsg recvmmsg shutdown`,

  // Descriptors that one has already; opening a queue by name is treated elsewhere, as is System V shared memory.
  message_passing: `mq_timedsend mq_timedreceive mq_notify mq_getsetattr shmdt`,

  // A program may confine itself further. lsm_* here only read.
  confinement: `landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr lsm_list_modules`,

  // Placed by the kernel into programs that an administrator of the host traces; useless to anybody else.
  trampolines: `uprobe uretprobe`,

  random: `getrandom`,
} as const;

/**
 * Known calls that get ENOSYS on purpose, as if the kernel were older, and why. Listed so that each call of the kernel
 * has been placed by somebody: a test holds the lists against the tables.
 */
const ABSENT_BY_REASON = {
  removed_from_linux: `_sysctl create_module get_kernel_syms query_module nfsservctl getpmsg putpmsg afs_syscall tuxcall
    security vserver epoll_ctl_old epoll_wait_old set_thread_area get_thread_area`,
  nobody_uses: `uselib ustat sysfs`,
  // libmount reads /proc/self/mountinfo instead.
  mount_queries: `statmount listmount`,
} as const;

const words = (groups: Readonly<Record<string, string>>): readonly string[] =>
  Object.values(groups).flatMap((text) => text.trim().split(/\s+/));

export const ALLOWED_CALLS: readonly string[] = words(ALLOWED_BY_PURPOSE);
export const ABSENT_CALLS: readonly string[] = words(ABSENT_BY_REASON);

/**
 * How often calls are made, next to others (1): the search for them is shorter. A plain `allow` is remembered by the
 * kernel, so calls with conditions count for more than their number says.
 */
export const CALL_WEIGHTS: Readonly<Partial<Record<string, number>>> = {
  read: 200,
  write: 200,
  futex: 200,
  close: 120,
  openat: 120,
  recvfrom: 120,
  sendto: 120,
  epoll_wait: 120,
  epoll_pwait: 120,
  mmap: 80,
  fstat: 80,
  newfstatat: 80,
  recvmsg: 60,
  sendmsg: 60,
  writev: 60,
  ioctl: 60,
  fcntl: 60,
  open: 40,
  stat: 40,
  lstat: 20,
  statx: 40,
  pread64: 40,
  poll: 40,
  ppoll: 20,
  lseek: 40,
  munmap: 40,
  mprotect: 40,
  rt_sigprocmask: 40,
  madvise: 20,
  epoll_ctl: 20,
  clock_nanosleep: 20,
  readlink: 20,
  readlinkat: 20,
  getdents64: 20,
  brk: 10,
  rt_sigaction: 10,
  clone: 10,
  socket: 10,
  setsockopt: 10,
  prctl: 5,
};
