/* Answers to connects that callers may not have heard: before Linux 5.19 a signal ends a call that is being answered, and the
   kernel makes it once more (SA_RESTART), on a socket that is connected by then. The same call again gets the same answer. */
#ifndef OPENSHELL_UNHEARD_H
#define OPENSHELL_UNHEARD_H

#include "mediator.h"
#include "target.h"
#include <linux/seccomp.h>

struct caller;

/* `file` is what the caller has at the number by now; `error` what it should have heard. Of each thread the last is
   kept, of many threads those of the last. */
void unheard_keep(const struct caller *caller, int file, const struct target *target, int error);
/* Whether this connect is one that was answered, and is answered now. */
bool unheard_repeated(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);

#endif
