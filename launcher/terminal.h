/* The caller's terminal on one side, the sandbox's own on the other. The workload never holds the caller's. */
#ifndef OPENSHELL_TERMINAL_H
#define OPENSHELL_TERMINAL_H

#include <stdbool.h>

/* Sets standard input to raw mode and takes over `master`, which becomes non-blocking. */
bool terminal_start(int master);
/* Copies what is ready on either side; false when the sandbox's side has ended. `in`, `out`: what poll said. */
bool terminal_copy(bool input_ready, bool master_ready);
/* Whether bytes wait for the master, so that it should be polled for writing. */
bool terminal_wants_write(void);
/* Makes the sandbox's window as big as the caller's. */
void terminal_resize(void);
/* Copies the rest of the output and restores the caller's terminal. */
void terminal_stop(void);

#endif
