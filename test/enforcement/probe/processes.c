/* Attacks on other processes: children, the parent (a process of the same sandbox that is not the caller's own), and a
   victim that is named by its number. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NR_pidfd_send_signal 424
#define NR_pidfd_open 434
#define NR_pidfd_getfd 438
#define NR_process_madvise 440
#define NR_process_mrelease 448

static long trace_me_now(char **a) {
  (void)a;
  return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static long trace_me(char **a) { return in_child(trace_me_now, a); }
static long seize(char **a) {
  (void)a;
  return ptrace(PTRACE_SEIZE, sleeper(), NULL, NULL);
}

static char memory[16];
static long copy_memory(long call) {
  char own[16] = {0};
  struct iovec here = {own, sizeof own};
  struct iovec there = {memory, sizeof memory};
  return syscall(call, sleeper(), &here, 1ul, &there, 1ul, 0ul);
}
static long vm_read(char **a) {
  (void)a;
  return copy_memory(SYS_process_vm_readv);
}
static long vm_write(char **a) {
  (void)a;
  return copy_memory(SYS_process_vm_writev);
}
/* KCMP_FILES */
static long compare(char **a) {
  (void)a;
  return syscall(SYS_kcmp, getpid(), sleeper(), 2, 0, 0);
}

static long pidfd_open(char **a) {
  (void)a;
  return syscall(NR_pidfd_open, getpid(), 0);
}
static long pidfd_signal(char **a) {
  (void)a;
  return syscall(NR_pidfd_send_signal, sleeper_pidfd(), 0, NULL, 0);
}
static long pidfd_getfd(char **a) {
  (void)a;
  return syscall(NR_pidfd_getfd, sleeper_pidfd(), 1, 0);
}
static long madvise_other(char **a) {
  (void)a;
  static char page[8192];
  struct iovec range = {(void *)(((uintptr_t)page + 4095) & ~(uintptr_t)4095), 4096};
  int self = (int)syscall(NR_pidfd_open, getpid(), 0);
  return syscall(NR_process_madvise, self >= 0 ? self : sleeper_pidfd(), &range, 1ul, 20 /* MADV_COLD */, 0u);
}
static long mrelease(char **a) {
  (void)a;
  return syscall(NR_process_mrelease, sleeper_pidfd(), 0);
}

/* The target is the parent, given as its number or `parent`. */
static pid_t target(const char *text) { return strcmp(given(text), "parent") == 0 ? getppid() : (pid_t)number(text); }

static long limit_other(char **a) {
  struct rlimit present;
  pid_t pid = target(a[0]);
  if (getrlimit(RLIMIT_NOFILE, &present) < 0) broken("getrlimit");
  return syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &present, NULL);
}
static long place(char **a) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) broken("sched_getaffinity");
  return sched_setaffinity(target(a[0]), sizeof set, &set);
}
static long schedule(char **a) {
  struct sched_param none = {0};
  return sched_setscheduler(target(a[0]), SCHED_OTHER, &none);
}
static long schedule_parameters(char **a) {
  struct sched_param none = {0};
  return sched_setparam(target(a[0]), &none);
}
static long schedule_attributes(char **a) {
  uint32_t attributes[12] = {48};
  return syscall(SYS_sched_setattr, target(a[0]), attributes, 0);
}
/* What has the priority that the caller has: setting it again is no change. */
static long prioritise(int which, pid_t who) { return setpriority(which, (id_t)who, getpriority(PRIO_PROCESS, 0)); }
static long prioritise_process(char **a) { return prioritise(PRIO_PROCESS, target(a[0])); }
static long prioritise_group(char **a) { return prioritise(PRIO_PGRP, getpgid(target(a[0]))); }
static long prioritise_user(char **a) {
  (void)a;
  return prioritise(PRIO_USER, 0);
}
static long io_prioritise(char **a) {
  long which = number(a[0]);
  long who = which == 1 ? target(a[1]) : which == 2 ? getpgid(target(a[1])) : (long)getuid();
  return syscall(SYS_ioprio_set, which, who, 0);
}
static long migrate(char **a) {
  unsigned long nodes = 1;
  return syscall(SYS_migrate_pages, target(a[0]), sizeof nodes * 8, &nodes, &nodes);
}
static long move_pages(char **a) { return syscall(SYS_move_pages, target(a[0]), 0ul, NULL, NULL, NULL, 0); }

static long signal_number(char **a) { return kill((pid_t)number(a[0]), 0); }
static long signal_thread(char **a) { return syscall(SYS_tkill, number(a[0]), 0); }
static long signal_queue(char **a) {
  siginfo_t info = {.si_code = SI_QUEUE};
  return syscall(SYS_rt_sigqueueinfo, number(a[0]), 0, &info);
}

#define UNHEARD (SIGRTMIN + 5)

/* Whether that signal waits for a process. */
static bool has_pending(pid_t pid) {
  char path[32];
  char line[256];
  unsigned long long pending = 0;
  unsigned long long found = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *status = fopen(path, "re");
  if (status == NULL) return false;
  while (fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "SigPnd: %llx", &pending) == 1 || sscanf(line, "ShdPnd: %llx", &pending) == 1) found |= pending;
  fclose(status);
  return found & 1ull << (UNHEARD - 1);
}
static long signal_owner(char **a) {
  pid_t pid = (pid_t)number(a[0]);
  int ends[2];
  if (pipe(ends) < 0) broken("pipe");
  if (has_pending(pid)) broken("it has been signalled");
  if (fcntl(ends[0], F_SETOWN, pid) < 0 || fcntl(ends[0], F_SETSIG, UNHEARD) < 0 || fcntl(ends[0], F_SETFL, O_ASYNC) < 0) return -1;
  if (write(ends[1], "x", 1) != 1) broken("write");
  errno = EPERM;
  return has_pending(pid) ? 0 : -1;
}
/* Hears no signal, until its standard input ends. */
static long be_deaf(char **a) {
  (void)a;
  char byte;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  return read(0, &byte, 1);
}

static long hold(const char *milliseconds) {
  usleep(milliseconds == NULL ? 0 : (useconds_t)number(milliseconds) * 1000);
  return 0;
}
/* Whether so many processes, or threads, can live at once, for so many milliseconds. */
static long many_processes(char **a) {
  long wanted = number(a[0]);
  pid_t parent = getpid();
  for (long i = 0; i < wanted; i++) {
    pid_t child = fork();
    if (child < 0) return -1;
    if (child > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) pause();
    _exit(0);
  }
  return hold(a[1]);
}
static int sleep_for_ever(void *argument) {
  (void)argument;
  for (;;) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
  return 0;
}
static long many_threads(char **a) {
  long wanted = number(a[0]);
  const size_t size = 16384;
  for (long i = 0; i < wanted; i++) {
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) broken("mmap");
    if (clone(sleep_for_ever, stack + size, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL) < 0)
      return -1;
  }
  return hold(a[1]);
}
static long many_files(char **a) {
  long wanted = number(a[0]);
  for (long i = 0; i < wanted; i++)
    if (dup(0) < 0) return -1;
  return 0;
}
/* Up to what the hard limit outside is: `resource` and a value that is above the sandbox's. */
static long raise_limit(char **a) {
  struct rlimit wanted;
  int resource = (int)number(a[0]);
  if (getrlimit(resource, &wanted) < 0) broken("getrlimit");
  wanted.rlim_cur = (rlim_t)number(a[1]);
  if (wanted.rlim_max < wanted.rlim_cur) wanted.rlim_max = wanted.rlim_cur;
  return setrlimit(resource, &wanted);
}

/* The limit of processes, and then more of them than it was: the new limit, how many, and for how long. */
static long raise_processes(char **a) {
  char resource[8];
  snprintf(resource, sizeof resource, "%d", RLIMIT_NPROC);
  return raise_limit((char *[]){resource, a[0], NULL}) < 0 ? -1 : many_processes(a + 1);
}

static bool is_root(pid_t pid) {
  char path[32];
  char line[256];
  unsigned real;
  unsigned effective = 1;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *status = fopen(path, "re");
  if (status == NULL) return false;
  while (fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "Uid: %u %u", &real, &effective) == 2) break;
  fclose(status);
  return effective == 0;
}
/* Starts a set-user-id program that waits for input, and looks whose identity it got. */
static long run_set_user_id(char **a) {
  int input[2];
  const char *path = given(a[0]);
  if (pipe(input) < 0) broken("pipe");
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (child == 0) {
    setsid();
    int null = open("/dev/null", O_RDWR);
    dup2(input[0], 0);
    dup2(null, 1);
    dup2(null, 2);
    close(input[1]);
    execl(path, path, (char *)NULL);
    _exit(2);
  }
  bool root = false;
  for (int i = 0; i < 100 && !root && waitpid(child, NULL, WNOHANG) == 0; i++) {
    root = is_root(child);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
  }
  close(input[1]); /* it reads the end, and ends */
  errno = EPERM;
  return root ? 0 : -1;
}

/* A process that does all it can to live on, and can be found by `tag`. */
static long linger(char **a) {
  const char *tag = given(a[0]);
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child < 0) broken("fork");
    if (child > 0) _exit(0);
    setsid();
  }
  for (int i = 1; i < NSIG; i++) signal(i, SIG_IGN);
  for (int fd = 0; fd < 64; fd++) close(fd);
  prctl(PR_SET_NAME, tag, 0, 0, 0);
  sleep(20);
  _exit(0);
}

const struct entry PROCESS_ACTIONS[] = {
    {"trace-me", trace_me},
    {"trace-child", seize},
    {"process-vm-readv", vm_read},
    {"process-vm-writev", vm_write},
    {"kcmp", compare},
    {"pidfd-open", pidfd_open},
    {"pidfd-send-signal", pidfd_signal},
    {"pidfd-getfd", pidfd_getfd},
    {"process-madvise", madvise_other},
    {"process-mrelease", mrelease},
    {"prlimit", limit_other},
    {"sched-setaffinity", place},
    {"sched-setscheduler", schedule},
    {"sched-setparam", schedule_parameters},
    {"sched-setattr", schedule_attributes},
    {"setpriority-process", prioritise_process},
    {"setpriority-group", prioritise_group},
    {"setpriority-user", prioritise_user},
    {"ioprio-set", io_prioritise},
    {"migrate-pages", migrate},
    {"move-pages", move_pages},
    {"kill", signal_number},
    {"tkill", signal_thread},
    {"sigqueue", signal_queue},
    {"signal-owner", signal_owner},
    {"be-deaf", be_deaf},
    {"many-processes", many_processes},
    {"many-threads", many_threads},
    {"many-files", many_files},
    {"raise-limit", raise_limit},
    {"raise-processes", raise_processes},
    {"run-set-user-id", run_set_user_id},
    {"linger", linger},
    {0},
};
