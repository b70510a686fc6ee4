/* Process 1 of the sandbox. It builds the root, confines itself for good, starts the program below itself and reaps. */
#ifndef OPENSHELL_INIT_H
#define OPENSHELL_INIT_H

#include "document.h"
#include "root.h"

/* `inbox`: its end of the pair that it shares with the warden. `sources`: NULL, or trees that the warden opened.
   Never returns. */
_Noreturn void init_main(const struct document *plan, const struct document *request, int inbox, struct sources *sources);

#endif
