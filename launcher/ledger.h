/* Which connections of the sandbox stand by which verdict, so that those can be ended that a later policy would not allow.
   A copy of a socket would keep it open when its program closes it. What is kept is its inode, in an epoll set that
   tells which sockets still exist (epoll(7): closing the last copy takes a file out), and nothing waits for. */
#ifndef OPENSHELL_LEDGER_H
#define OPENSHELL_LEDGER_H

#include "mediator.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before this process becomes undumpable. False with errno. */
bool ledger_start(void);
/* In a child: the set is the parent's. */
void ledger_leave(void);
/* `file` is about to be connected by the verdict with this token, which is not 0. False: too many connections are open. */
bool ledger_add(uint32_t token, int file);

struct ledger_outcome {
  uint32_t closed;   /* connections that were ended */
  uint32_t killed;   /* processes that were, since their sockets could not be had */
  uint32_t surviving; /* connections that could not be ended: the sandbox has to be */
};

/* Ends every connection, and every connect that goes on, whose token is not among these, which are sorted here. */
struct ledger_outcome ledger_keep_only(const struct mediator *mediator, uint32_t *tokens, size_t count);

#endif
