/* inotify_add_watch(2), on the file that the agent judged. */
#ifndef OPENSHELL_WATCHES_H
#define OPENSHELL_WATCHES_H

#include "caller.h"
#include "mediator.h"
#include <linux/seccomp.h>

/* As attributes_for. */
int watch_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);

#endif
