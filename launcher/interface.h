/* Interface ioctls (netdevice(7)) of a caller, answered from the sandbox's own network namespace whatever socket they
   were made on: a socket of the host would show the host's interfaces. */
#ifndef OPENSHELL_INTERFACE_H
#define OPENSHELL_INTERFACE_H

#include "caller.h"

/* 0, or the errno to answer. `inner`: a socket of the sandbox's namespace. */
int interface_answer(const struct caller *caller, int inner, uint32_t request, uint64_t argument);

#endif
