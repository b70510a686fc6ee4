/* Process 1 of the sandbox. It builds the root, confines itself for good, starts the program below itself and reaps. */
#ifndef OPENSHELL_INIT_H
#define OPENSHELL_INIT_H

#include "document.h"
#include "root.h"

/* The payload of the launch frame, in memory that the warden and init share: init may be there before it is. */
struct shared_launch {
  uint64_t length;
  uint8_t bytes[MAX_DOCUMENT];
};

/* `inbox`: its end of the pair that it shares with the warden; the launch is read once the warden says so. `sources`:
   NULL, or trees that the warden opened. Never returns. */
_Noreturn void init_main(const struct shared_launch *launch, int inbox, struct sources *sources);

#endif
