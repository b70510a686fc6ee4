/* A socket of the host's network for a caller whose own sockets lead nowhere: made here, connected here to an address
   that was judged, and put in the place of the caller's. */
#ifndef OPENSHELL_SWAP_H
#define OPENSHELL_SWAP_H

#include "caller.h"
#include "mediator.h"
#include <sys/socket.h>

/* Remembers what a fresh inner socket looks like, so that only options that the caller set are copied. */
void swap_start(int fresh_inner_socket);
/* A non-blocking TCP socket of the host with the family and the options of `file`, or -1 with errno. */
int swap_make(int file, int domain);
/* Puts `replacement` at the caller's `number`, in its epoll sets too. False: the call is over, nothing was changed. */
bool swap_hand_over(const struct mediator *mediator, uint64_t id, const struct caller *caller, int number, int file, int replacement);

#endif
