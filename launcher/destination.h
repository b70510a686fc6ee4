/* Where a caller wants to connect to, and who decides about it: the kernel, the warden's memory or the supervisor. */
#ifndef OPENSHELL_DESTINATION_H
#define OPENSHELL_DESTINATION_H

#include "mediate.h"
#include "place.h"
#include "waiting.h"
#include <linux/seccomp.h>

/* Asks the supervisor about the destination; the caller sleeps until the answer. */
void ask_about(const struct mediator *mediator, struct waiting *waiting, const struct place *place);

/* An integer option at SOL_SOCKET, or -1. */
int socket_option(int file, int name);
/* Whether a socket belongs to the sandbox's network namespace. One that does not was handed over, or inherited. */
bool is_inner(const struct mediator *mediator, int file);
/* Reads the address argument of connect and bind. 0, or the errno to answer. */
int read_target(const struct caller *caller, uint64_t address, int length, struct target *target);
/* What the caller's first argument names, to be closed; -1 after the call was answered. */
int file_of_call(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);
/* Handles connect(2). */
void connect_for(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call);

#endif
