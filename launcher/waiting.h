/* Calls that cannot be answered at once: a connect whose destination is being judged, or whose handshake goes on. */
#ifndef OPENSHELL_WAITING_H
#define OPENSHELL_WAITING_H

#include "caller.h"
#include "mediator.h"
#include "target.h"
#include <linux/seccomp.h>
#include <sys/epoll.h>

/* RETRY: a Unix listener's backlog is full, which no event tells the end of. */
enum waiting_state { WAITING_FREE, WAITING_VERDICT, WAITING_HANDSHAKE, WAITING_MESSAGE, WAITING_RETRY };

struct verdict_key;

struct waiting {
  enum waiting_state state;
  uint64_t id; /* of the notification */
  struct caller caller;
  int number;      /* the caller's descriptor */
  int file;        /* what it was when the call was made, which everything is decided about; -1: it was replaced */
  int judged;      /* a Unix socket's file, kept until the connect is done, or -1 */
  int replacement; /* a socket of the host that will take its place, or -1 */
  int domain;
  int type;
  bool outer;   /* `file` is a socket of the host already: an earlier connect put it there */
  bool proxied; /* the supervisor is told the local address, so that it knows whose connection it accepts */
  bool told;    /* it was */
  bool blocking;
  bool sending; /* not a connect: datagrams that name their destinations */
  bool own;     /* an abstract name of the sandbox: only what listens inside may be behind it */
  bool relayed; /* a socket that cannot send by itself (datagrams.c) */
  uint32_t token; /* of the verdict by which it is connected to the outside; 0: none that could be taken back */
  uint64_t inode; /* of a socket that is held (births.c), or 0 */
  struct seccomp_data call; /* of one that sends or receives: its arguments */
  struct target asked; /* by a connect, as the caller gave it */
  struct target target;
  struct verdict_key *key; /* what a verdict about it would be remembered under, or NULL */
  int64_t since_ms;
  int64_t deadline_ms;
};

/* A free place, filled with zeros; NULL when too many wait. `caller` and `file` pass to it. */
struct waiting *waiting_add(uint64_t id, struct caller *caller, int number, int file);
/* How many wait; those of all places, free ones too; NULL behind the last. */
unsigned waiting_count(void);
struct waiting *waiting_at(uint64_t slot);
/* The descriptor whose events it waits for. */
int waiting_polled(const struct waiting *waiting);
/* The one that waits for a verdict under this id, or NULL. */
struct waiting *waiting_find(uint64_t id);
/* Waits until `fd` is writable, or readable; resume_ready is then called. */
bool waiting_poll(const struct mediator *mediator, struct waiting *waiting, int fd, uint32_t events);
/* Answers (0: success) and forgets. */
void waiting_finish(const struct mediator *mediator, struct waiting *waiting, int error);
void waiting_forget(const struct mediator *mediator, struct waiting *waiting);

#endif
