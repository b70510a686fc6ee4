/* Standard input, output and error as the caller gave them: what of them may be passed to a program. */
#ifndef OPENSHELL_STREAMS_H
#define OPENSHELL_STREAMS_H

#include "step.h"

/* Checks the three and takes from a terminal the direction that the stream does not need. To be called before setsid(2),
   while /dev/tty still means the caller's terminal. A failure has the number of the stream as its row. */
bool streams_take(struct failure *failure);

#endif
