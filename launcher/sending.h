/* Datagrams that name their destination, where the policy lets some out. They are judged as a connect is; the kernel then
   sends them, inside, to the supervisor's socket at that address, which knows whose they are by the port they come from.
   What a caller changes between the look and the call leads to another such socket, or nowhere. */
#ifndef OPENSHELL_SENDING_H
#define OPENSHELL_SENDING_H

#include "mediator.h"
#include "waiting.h"

/* Handles sendto(2) with an address, sendmsg(2) and sendmmsg(2). */
void send_for(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call);
/* The destination that was asked about is allowed for `ttl_ms`. */
void sending_judged(const struct mediator *mediator, struct waiting *waiting, uint32_t ttl_ms);

#endif
