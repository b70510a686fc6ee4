/* Refused system calls on their way to the supervisor: equal ones within a second are sent once, with their count. */
#ifndef OPENSHELL_DENIALS_H
#define OPENSHELL_DENIALS_H

#include "caller.h"
#include "mediator.h"
#include <linux/seccomp.h>

/* Counts one refusal; it is reported within a second. */
void denials_add(struct control *control, const struct caller *caller, pid_t top, const struct seccomp_data *data,
                 uint32_t rule, uint32_t error);
/* Refuses, and counts it, a call of which nothing can be known: the caller cannot be looked at. */
void denials_unobservable(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);
/* Reports those that are a second old, or all. Returns the milliseconds until the next one is due, -1 for none. */
int denials_flush(struct control *control, bool all);

#endif
