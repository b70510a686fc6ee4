/* Connects on behalf of a caller: on its own socket where the destination is inside, on a socket of the host that takes
   its place where the supervisor allowed an address outside. */
#ifndef OPENSHELL_CONNECTING_H
#define OPENSHELL_CONNECTING_H

#include "waiting.h"

/* To the address that the caller named, or to `waiting->target` where it was changed. */
void connecting_inside(const struct mediator *mediator, struct waiting *waiting);
/* To an address of the host's network, which was judged. */
void connecting_outside(const struct mediator *mediator, struct waiting *waiting, const struct target *target);
/* Where the supervisor itself takes the connection; it is told from which address it comes. */
void connecting_elsewhere(const struct mediator *mediator, struct waiting *waiting, const struct target *target);
/* The handshake of a waiting call has ended. */
void connecting_done(const struct mediator *mediator, struct waiting *waiting, int error);
#endif
