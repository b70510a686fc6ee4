/* Limits of the whole sandbox that no cgroup and no rlimit holds: counted now and then, and the sandbox ends above one. */
#ifndef OPENSHELL_QUOTA_H
#define OPENSHELL_QUOTA_H

#include "control.h"
#include <sys/types.h>

/* Counts if it is time to. Milliseconds until it is again, -1 for never. */
int quota_check(struct control *control, const struct settings_row *settings, pid_t init);

#endif
