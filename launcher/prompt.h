/* Connects on a file that the workload shares. Whether a call on it waits is a flag of the file, which another thread of the
   workload can change after any look at it: the warden must go on all the same. */
#ifndef OPENSHELL_PROMPT_H
#define OPENSHELL_PROMPT_H

#include "target.h"
#include <stdbool.h>

bool prompt_start(void);
/* connect(2), which never waits for more than a moment: 0 or errno, never EINTR. What it would have waited for is EINPROGRESS, and
   EAGAIN of a Unix socket. */
int prompt_connect(int file, int domain, const struct target *target);

/* Ends what the last of many such calls left running: milliseconds until it is to be called again, -1 for not at all. */
int prompt_rest(void);

#endif
