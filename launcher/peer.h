/* Tells the supervisor from where a caller connects to it: by that it knows whose connection it accepts. */
#ifndef OPENSHELL_PEER_H
#define OPENSHELL_PEER_H

#include "mediator.h"

/* The local address of `file`; -1: no connection came of it. */
void peer_tell(const struct mediator *mediator, uint64_t id, int file);

#endif
