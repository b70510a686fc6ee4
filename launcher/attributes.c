#define _GNU_SOURCE
#include "attributes.h"
#include "agent.h"
#include "answer.h"
#include "errand.h"
#include <errno.h>
#include <unistd.h>

int attributes_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  static struct errand errand; /* too large for a stack */
  bool refused = false;
  int file;
  int error = errand_take(mediator, caller, call, &errand, &file);
  if (error < 0) return 0;
  if (error == 0 && !errand_is_idle(&errand) && answer_wanted(mediator->listener, call->id))
    error = agent_change(mediator->plan, &errand, file, &refused);
  if (file >= 0) close(file);
  if (!refused) answer_error(mediator->listener, call->id, error);
  return refused ? EACCES : 0;
}
