/* Abstract names of Unix sockets, where they are the host's: there a sandbox has names of its own, as in a network namespace. */
#ifndef OPENSHELL_ABSTRACT_H
#define OPENSHELL_ABSTRACT_H

#include "target.h"
#include <stdbool.h>

/* Whether it is an abstract name, or asks the kernel to choose one. */
bool abstract_named(const struct target *target);
/* Makes it one of the sandbox's own, which starts with what no other process chooses: also a name that the workload reads back.
   0, or EINVAL for a name that has no room left, as for one that is too long (unix(7)). */
int abstract_own(struct target *target);
/* Whether this sandbox listens at the other end: the kernel keeps who called listen(2), which is the warden. */
bool abstract_peer_is_own(int file);

#endif
