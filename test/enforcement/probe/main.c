#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void broken(const char *what) {
  fprintf(stderr, "broken: %s: %s\n", what, strerror(errno));
  exit(2);
}

const char *given(const char *text) {
  if (text != NULL) return text;
  errno = EINVAL;
  broken("an argument is missing");
}

long number(const char *text) {
  char *end;
  long value = (long)strtoul(given(text), &end, 0);
  if (*text != 0 && *end == 0) return value;
  errno = EINVAL;
  broken(text);
}

long no_such_call(void) {
  errno = ENOSYS;
  return -1;
}

long in_child(action *run, char **arguments) {
  int results[2];
  int error = 0;
  if (pipe(results) < 0) broken("pipe");
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (child == 0) {
    close(results[0]);
    if (run(arguments) < 0) error = errno;
    if (write(results[1], &error, sizeof error) < 0) _exit(2);
    _exit(0);
  }
  close(results[1]);
  /* The attack may have replaced or ended the child: then nothing comes. */
  ssize_t got = read(results[0], &error, sizeof error);
  close(results[0]);
  waitpid(child, NULL, 0);
  if (got != (ssize_t)sizeof error) error = EPIPE;
  errno = error;
  return error == 0 ? 0 : -1;
}

static _Noreturn void sleep_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  for (;;) pause();
}

pid_t sleeper(void) {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (child == 0) sleep_with(parent);
  return child;
}

int sleeper_pidfd(void) {
  int pidfd = -1;
  pid_t parent = getpid();
  long child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
  if (child < 0) broken("clone");
  if (child == 0) sleep_with(parent);
  return pidfd;
}

static action *find(const char *name) {
  static const struct entry *const tables[] = {KERNEL_ACTIONS,      MOUNT_ACTIONS,   PROCESS_ACTIONS,
                                               FILE_ACTIONS,        SOCKET_ACTIONS,  NETWORK_ACTIONS,
                                               HANDED_OVER_ACTIONS, TERMINAL_ACTIONS, CONNECT_RACE_ACTIONS,
                                               DNS_FLOOD_ACTIONS,   SAME_UID_ACTIONS, NEIGHBOUR_ACTIONS,
                                               ROAM_ACTIONS,        CALL_FLOOD_ACTIONS, ATTRIBUTE_ACTIONS,
                                               SHARED_SOCKET_ACTIONS};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const struct entry *entry = tables[i]; entry->name != NULL; entry++)
      if (strcmp(entry->name, name) == 0) return entry->run;
  return NULL;
}

/* The same action many times in one process. */
static long repeat(long times, action *run, char **arguments) {
  long result = 0;
  for (long i = 0; i < times; i++) result = run(arguments);
  return result;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "drive") == 0) return drive(argv[2]);
  long times = 1;
  if (argc > 3 && strcmp(argv[1], "repeat") == 0) {
    times = number(argv[2]);
    argv += 2;
    argc -= 2;
  }
  action *run = argc > 1 ? find(argv[1]) : NULL;
  if (run == NULL) {
    fprintf(stderr, "broken: no such action: %s\n", argc > 1 ? argv[1] : "(none)");
    return 2;
  }
  errno = 0;
  if (repeat(times, run, argv + 2) >= 0) {
    puts("ok");
    return 0;
  }
  printf("errno %d\n", errno);
  return 1;
}
