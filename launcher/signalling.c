#define _GNU_SOURCE
#include "signalling.h"
#include "answer.h"
#include "sys.h"
#include "tree.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RECEIVERS 1024

static bool in_sandbox(const struct mediator *mediator, pid_t pid) {
  const pid_t *list;
  unsigned count = tree_list(mediator->top, &list);
  for (unsigned i = 0; i < count; i++)
    if (list[i] == pid) return true;
  return false;
}

/* The fields behind the command of /proc/PID/stat, which may hold anything. */
static pid_t group_of(pid_t pid) {
  char path[32];
  char text[1024];
  int parent;
  int group;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (!tree_read_file(path, text, sizeof text)) return -1;
  const char *end = strrchr(text, ')');
  return end != NULL && sscanf(end + 1, " %*c %d %d", &parent, &group) == 2 ? group : -1;
}

/* The process that a thread belongs to, or -1. */
static pid_t process_of(pid_t thread) {
  struct caller it;
  if (!caller_open(&it, thread)) return -1;
  caller_close(&it);
  return it.tgid;
}

/* Held by a pidfd from before it is looked at, so that its number cannot come to mean another. 0 or errno. */
static int send_to(const struct mediator *mediator, pid_t pid, int number, siginfo_t *info, pid_t thread) {
  if (pid <= 0) return ESRCH;
  int pidfd = sys_pidfd_open(pid, 0);
  if (pidfd < 0) return ESRCH;
  int error = in_sandbox(mediator, pid) ? 0 : EPERM;
  long sent = 0;
  if (error == 0 && thread != 0 && info != NULL) sent = syscall(SYS_rt_tgsigqueueinfo, pid, thread, number, info);
  else if (error == 0 && thread != 0) sent = syscall(SYS_tgkill, pid, thread, number);
  else if (error == 0) sent = syscall(SYS_pidfd_send_signal, pidfd, number, info, 0);
  if (error == 0 && sent < 0) error = errno;
  close(pidfd);
  return error;
}

/* As kill(2) with 0, -1 or the negative number of a group. */
static int send_to_group(const struct mediator *mediator, const struct caller *caller, pid_t which, int number) {
  static pid_t receivers[MAX_RECEIVERS];
  const pid_t *list;
  unsigned count = tree_list(mediator->top, &list);
  pid_t group = which == 0 ? group_of(caller->tgid) : -which;
  unsigned wanted = 0;
  for (unsigned i = 1; i < count && wanted < MAX_RECEIVERS; i++)
    if (which == -1 ? list[i] != caller->tgid : group_of(list[i]) == group) receivers[wanted++] = list[i];
  int error = ESRCH;
  /* The caller last: it may end by it. */
  bool itself = false;
  for (unsigned i = 0; i < wanted; i++) {
    if (receivers[i] == caller->tgid) itself = true;
    else if (send_to(mediator, receivers[i], number, NULL, 0) == 0) error = 0;
  }
  if (itself && send_to(mediator, caller->tgid, number, NULL, 0) == 0) error = 0;
  return error;
}

int signal_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  const struct seccomp_data *data = &call->data;
  siginfo_t info;
  pid_t first = (pid_t)data->args[0];
  pid_t second = (pid_t)data->args[1];
  int error;
  if (!answer_wanted(mediator->listener, call->id)) return 0;
  switch (data->nr) {
    case SYS_kill:
      error = first > 0 ? send_to(mediator, process_of(first), second, NULL, 0) : send_to_group(mediator, caller, first, second);
      break;
    case SYS_tkill: error = send_to(mediator, process_of(first), second, NULL, first); break;
    case SYS_tgkill:
      error = process_of(second) != first ? ESRCH : send_to(mediator, first, (int)data->args[2], NULL, second);
      break;
    case SYS_rt_sigqueueinfo:
      error = !caller_read(caller, data->args[2], &info, sizeof info) ? EFAULT
                                                                     : send_to(mediator, process_of(first), second, &info, 0);
      break;
    case SYS_rt_tgsigqueueinfo:
      error = !caller_read(caller, data->args[3], &info, sizeof info) ? EFAULT
              : process_of(second) != first                           ? ESRCH
                                            : send_to(mediator, first, (int)data->args[2], &info, second);
      break;
    default: error = EPERM;
  }
  if (error == EPERM) return EPERM;
  answer_error(mediator->listener, call->id, error == EINVAL || error == ESRCH || error == EFAULT || error == EAGAIN || error == 0 ? error : ESRCH);
  return 0;
}
