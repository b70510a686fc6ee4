/* How calls that wait go on: by a verdict, by an event of their socket, or because somebody left or time ran out. */
#ifndef OPENSHELL_RESUME_H
#define OPENSHELL_RESUME_H

#include "mediator.h"

/* The supervisor's answer to an `open` report: the payload of a verdict frame. */
void resume_verdict(struct mediator *mediator, const uint8_t *payload, size_t length);
/* A waiting connect became writable, or there is a message for a waiting receive. */
void resume_ready(struct mediator *mediator, uint64_t data);
/* Looks after waiting calls: gone callers, signals, deadlines. Returns the milliseconds until it wants to be called
   again, -1 for never. */
int resume_tick(struct mediator *mediator);

#endif
