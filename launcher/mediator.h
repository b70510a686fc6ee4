/* What every handler of a notification needs to know of the sandbox. */
#ifndef OPENSHELL_MEDIATOR_H
#define OPENSHELL_MEDIATOR_H

#include "control.h"
#include "document.h"
#include <stdbool.h>
#include <sys/types.h>

struct mediator {
  const struct document *plan;
  const struct settings_row *settings;
  struct control *control;
  int listener;
  bool interrupted; /* a signal can end a call that is being answered: Linux before 5.19 */
  int poll;        /* the warden's epoll set */
  pid_t top;       /* init: ancestors end there */
  uint64_t cookie; /* of the sandbox's network namespace, 0 for unknown */
  int inner;       /* a socket of that namespace, or of the host's where there is none, or -1 */
};

/* epoll data of a waiting connect is MEDIATE_POLL_BASE + slot. */
#define MEDIATE_POLL_BASE 0x100000000ull
/* That of a held socket whose caller does not wait: BIRTH_POLL_BASE + slot. */
#define BIRTH_POLL_BASE 0x200000000ull

#endif
