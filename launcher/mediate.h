/* Answers seccomp notifications. Nothing here knows the policy: rows of the plan say which handler a call has, and the
   supervisor says what happens to a destination. Connect, bind and listen are always done here, on the file that was
   taken from the caller, never by letting the caller's own call go on (decided once, a second thread could change it). */
#ifndef OPENSHELL_MEDIATE_H
#define OPENSHELL_MEDIATE_H

#include "control.h"
#include "document.h"
#include <sys/types.h>

struct caller;
struct seccomp_notif;

struct mediator {
  const struct document *plan;
  const struct settings_row *settings;
  struct control *control;
  int listener;
  int poll;        /* the warden's epoll set */
  pid_t top;       /* init: ancestors end there */
  uint64_t cookie; /* of the sandbox's network namespace, 0 for unknown */
  int inner;       /* a socket of that namespace, or of the host's where there is none, or -1 */
};

/* epoll data of a waiting connect is MEDIATE_POLL_BASE + slot. */
#define MEDIATE_POLL_BASE 0x100000000ull
/* That of a held socket whose caller does not wait: BIRTH_POLL_BASE + slot. */
#define BIRTH_POLL_BASE 0x200000000ull

/* Refuses, and counts it, a call of which nothing can be known: the caller cannot be looked at. */
void mediate_unobservable(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);
bool mediate_start(struct mediator *mediator);
/* Takes one notification and answers it, or leaves it waiting. False: the listener is of no more use. */
bool mediate_receive(struct mediator *mediator);
/* The supervisor's answer to an `open` report: the payload of a verdict frame. */
void mediate_verdict(struct mediator *mediator, const uint8_t *payload, size_t length);
/* A waiting connect became writable. */
void mediate_ready(struct mediator *mediator, uint64_t data);
/* Looks after waiting calls: gone callers, signals, deadlines. Returns the milliseconds until it wants to be called
   again, -1 for never. */
int mediate_tick(struct mediator *mediator);

#endif
