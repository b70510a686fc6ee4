/* The program itself: the last steps of a child of init before execve(2). */
#ifndef OPENSHELL_PROGRAM_H
#define OPENSHELL_PROGRAM_H

#include "document.h"

/* In a child of init: own session, terminal, signals, descriptors, then the program. Never returns. `terminal`: the
   slave side of the sandbox's terminal, or -1. */
_Noreturn void program_run(const struct document *request, int inbox, int terminal);

#endif
