/* Signals by every way there is, and groups of processes. Signal 0 where the kernel says whether it may be sent; where it
   does not, a stop, which shows, and the signal to go on. */
#define _GNU_SOURCE
#include "same-uid.h"
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 20

static long signal_by(const struct victim *v, const char *detail) {
  siginfo_t info = {.si_code = SI_QUEUE};
  if (strcmp(detail, "kill") == 0) return kill(v->pid, 0);
  if (strcmp(detail, "continue") == 0) return kill(v->pid, SIGCONT);
  if (strcmp(detail, "thread") == 0) return syscall(SYS_tkill, v->pid, 0);
  if (strcmp(detail, "thread-of") == 0) return syscall(SYS_tgkill, v->pid, v->pid, 0);
  if (strcmp(detail, "queue") == 0) return syscall(SYS_rt_sigqueueinfo, v->pid, 0, &info);
  if (strcmp(detail, "queue-thread") == 0) return syscall(SYS_rt_tgsigqueueinfo, v->pid, v->pid, 0, &info);
  return kill(-getpgid(v->pid), 0);
}
#ifdef __x86_64__
static long kill_32(const struct victim *v, const char *detail) {
  (void)detail;
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(37L), "b"((long)v->pid), "c"(0L) : "memory", "r8", "r9", "r10", "r11");
  errno = (int)-result;
  return result < 0 ? -1 : 0;
}
#else
static long kill_32(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  return no_such_call();
}
#endif

/* Something of the own process whose events are signals for the victim. */
struct source {
  /* What the signals are for, and what causes one. */
  int file;
  int cause;
  bool directory;
};

static struct source make_source(const char *detail) {
  int ends[2];
  if (strcmp(detail, "directory") == 0) {
    int file = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) broken("the working directory");
    return (struct source){.file = file, .cause = -1, .directory = true};
  }
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) broken("socketpair");
  return (struct source){.file = ends[0], .cause = ends[1], .directory = false};
}

static long choose_owner(const struct source *source, const struct victim *v, const char *detail) {
  struct f_owner_ex thread = {.type = F_OWNER_TID, .pid = v->pid};
  int group = -getpgid(v->pid);
  int pid = v->pid;
  if (strcmp(detail, "thread") == 0) return fcntl(source->file, F_SETOWN_EX, &thread);
  if (strcmp(detail, "group") == 0) return fcntl(source->file, F_SETOWN, group);
  if (strcmp(detail, "fiosetown") == 0) return ioctl(source->file, FIOSETOWN, &pid);
  if (strcmp(detail, "siocspgrp") == 0) return ioctl(source->file, SIOCSPGRP, &pid);
  return fcntl(source->file, F_SETOWN, pid);
}

static bool cause(const struct source *source) {
  if (!source->directory) return write(source->cause, "x", 1) == 1;
  char name[] = "same-uid-XXXXXX";
  int made = mkstemp(name);
  if (made < 0) broken("a file in the working directory");
  close(made);
  unlink(name);
  return true;
}

static bool enable(const struct source *source, int number) {
  if (fcntl(source->file, F_SETSIG, number) < 0) return false;
  if (source->directory) return fcntl(source->file, F_NOTIFY, DN_CREATE | DN_MULTISHOT) == 0;
  return fcntl(source->file, F_SETFL, O_ASYNC | O_NONBLOCK) == 0;
}

/* After `number` was sent to it, or not. */
static bool becomes(pid_t pid, bool stopped, int number) {
  for (int left = PATIENCE; left > 0; left--) {
    char state = state_of(pid);
    if (state == 0) broken("the state of a process");
    if ((state == 'T') == stopped) return true;
    if (is_pending(pid, number)) left = PATIENCE;
    nanosleep(&(struct timespec){0, 5000000}, NULL);
  }
  return false;
}

/* ETIMEDOUT when it is accepted and no signal comes: the kernel asks nobody before there is something to send. */
static long signal_by_file(const struct victim *v, const char *detail) {
  struct source source = make_source(detail);
  if (choose_owner(&source, v, detail) < 0 || !enable(&source, SIGSTOP)) return -1;
  if (!cause(&source)) broken("the cause of a signal");
  bool stopped = becomes(v->pid, true, SIGSTOP);
  /* In any case: others of its group may have been stopped. */
  if (fcntl(source.file, F_SETSIG, SIGCONT) < 0 || !cause(&source) || !becomes(v->pid, false, SIGCONT)) broken("it stays stopped");
  errno = ETIMEDOUT;
  return stopped ? 0 : -1;
}

static long join_group(const struct victim *v, const char *detail) {
  (void)detail;
  return setpgid(0, getpgid(v->pid));
}
/* Makes the victim's group the one that the terminal of this session listens to and sends its signals. */
static long terminal_group(const struct victim *v, const char *detail) {
  (void)detail;
  pid_t group = getpgid(v->pid);
  sigset_t quiet;
  sigemptyset(&quiet);
  sigaddset(&quiet, SIGTTOU);
  sigprocmask(SIG_BLOCK, &quiet, NULL);
  int file = open("/dev/tty", O_RDWR | O_CLOEXEC);
  return file < 0 ? -1 : ioctl(file, TIOCSPGRP, &group);
}

const struct attack SIGNAL_ATTACKS[] = {
    {"kill", signal_by, "kill"},
    {"kill-continue", signal_by, "continue"},
    {"kill-int80", kill_32, ""},
    {"kill-group", signal_by, "group"},
    {"tkill", signal_by, "thread"},
    {"tgkill", signal_by, "thread-of"},
    {"sigqueue", signal_by, "queue"},
    {"sigqueue-thread", signal_by, "queue-thread"},
    {"owner", signal_by_file, "process"},
    {"owner-thread", signal_by_file, "thread"},
    {"owner-group", signal_by_file, "group"},
    {"owner-fiosetown", signal_by_file, "fiosetown"},
    {"owner-siocspgrp", signal_by_file, "siocspgrp"},
    {"owner-directory", signal_by_file, "directory"},
    {"setpgid", join_group, ""},
    {"tcsetpgrp", terminal_group, ""},
    {0},
};
