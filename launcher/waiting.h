/* Calls that cannot be answered at once: a connect whose destination is being judged, or whose handshake goes on. */
#ifndef OPENSHELL_WAITING_H
#define OPENSHELL_WAITING_H

#include "caller.h"
#include "mediate.h"
#include <sys/socket.h>

struct target {
  struct sockaddr_storage address;
  socklen_t length;
};

enum waiting_state { WAITING_FREE, WAITING_VERDICT, WAITING_HANDSHAKE };

struct waiting {
  enum waiting_state state;
  uint64_t id; /* of the notification */
  struct caller caller;
  int file;
  int type;
  bool proxied; /* the supervisor is told the local port, so that it knows whose connection it accepts */
  struct target target;
  int64_t since_ms;
  int64_t deadline_ms;
};

/* Takes over `caller` and `file`. NULL: too many wait, and nothing was taken. */
struct waiting *waiting_add(uint64_t id, struct caller *caller, int file, int type, struct target target);
/* Performs the connect on the held file. */
void waiting_connect(const struct mediator *mediator, struct waiting *waiting);
/* Answers (0: success) and forgets. */
void waiting_finish(const struct mediator *mediator, struct waiting *waiting, int error);

/* Offered by mediate.c. */
bool mediate_valid(const struct mediator *mediator, uint64_t id);
void mediate_answer(const struct mediator *mediator, uint64_t id, int error);
void mediate_interrupt(const struct mediator *mediator, uint64_t id);

#endif
