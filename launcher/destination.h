/* Where a caller wants to connect to, and who decides about it: the kernel, the warden's memory or the supervisor. */
#ifndef OPENSHELL_DESTINATION_H
#define OPENSHELL_DESTINATION_H

#include "caller.h"
#include "mediator.h"
#include <linux/seccomp.h>

/* Handles connect(2). */
void connect_for(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call);

#endif
