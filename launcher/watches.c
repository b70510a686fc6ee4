#define _GNU_SOURCE
#include "watches.h"
#include "agent.h"
#include "answer.h"
#include "errand.h"
#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Adds the watch to the caller's own set. Containers may refuse us descriptors of others: then the kernel looks the path up once
   more, which a second thread can have changed (SECURITY.md). */
static void add(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call, int found) {
  char path[32];
  int set = caller_file(caller, (int)call->data.args[0]);
  if (set < 0 && errno != EBADF) {
    answer_go_on(mediator->listener, call->id);
    return;
  }
  snprintf(path, sizeof path, "/proc/self/fd/%d", found);
  /* The name is a link that has to be followed, to what may itself be one. */
  uint32_t mask = (uint32_t)call->data.args[2] & ~(uint32_t)IN_DONT_FOLLOW;
  int watch = -1;
  if (set >= 0 && answer_wanted(mediator->listener, call->id)) watch = inotify_add_watch(set, path, mask);
  if (watch < 0) answer_error(mediator->listener, call->id, errno);
  else answer_value(mediator->listener, call->id, watch);
  if (set >= 0) close(set);
}

int watch_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  static struct errand errand; /* too large for a stack */
  bool refused = false;
  int file;
  int error = errand_take(mediator, caller, call, &errand, &file);
  if (error < 0) return 0;
  int found = error == 0 ? agent_find_watched(mediator->plan, &errand, file, &refused) : -1;
  if (error == 0 && found < 0) error = errno;
  if (file >= 0) close(file);
  if (refused) return EACCES;
  if (found < 0) {
    answer_error(mediator->listener, call->id, error);
    return 0;
  }
  add(mediator, caller, call, found);
  close(found);
  return 0;
}
