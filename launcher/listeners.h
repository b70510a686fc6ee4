/* What a sandbox without a network namespace listens on: loopback only, and it may connect to no other listener there. */
#ifndef OPENSHELL_LISTENERS_H
#define OPENSHELL_LISTENERS_H

#include "place.h"
#include "target.h"

/* Changes "any address" to loopback. False: the address is neither. */
bool listeners_local(int file, struct target *target);
/* Puts a socket to listen, on a port of loopback if it was bound to none, and remembers it. 0 or errno. */
int listeners_start(int file, int backlog);
bool listeners_known(uint64_t inode);
/* Whether a listener of the sandbox has this address now. */
bool listeners_own(const struct place *place);

#endif
