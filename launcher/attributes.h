/* Changes of mode, owner, times, extended attributes and flags: read from the caller, judged and made by the agent. */
#ifndef OPENSHELL_ATTRIBUTES_H
#define OPENSHELL_ATTRIBUTES_H

#include "caller.h"
#include "mediator.h"
#include <linux/seccomp.h>

/* 0: it is answered. EACCES: the rows of the plan do not grant it, and it waits for its refusal. */
int attributes_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);

#endif
