/* Hands sockets to the supervisor over Node's own channel between parent and child (an `ipc` entry of `stdio`).
   The framing belongs to Node (lib/internal/child_process.js): a JSON line that names a handle, with SCM_RIGHTS. */
#ifndef OPENSHELL_HANDLE_H
#define OPENSHELL_HANDLE_H

#include <stdbool.h>

/* Sends `fd` as a raw handle with a message that holds only `kind` (letters). Closes nothing. */
bool handle_send(int channel, const char *kind, int fd);
/* Reads and drops what Node answers (acknowledgements). False: the other side is gone. */
bool handle_discard(int channel);

#endif
