/* A failure on the way to the program: which step, which row of the plan, which errno. It ends the launch. */
#ifndef OPENSHELL_STEP_H
#define OPENSHELL_STEP_H

#include "gen/wire.h"
#include <stdbool.h>

#define NO_ROW UINT64_MAX

struct failure {
  enum step step;
  int error;
  uint64_t row;
};

/* Records the failure with the present errno and returns false, for `return fail(...)`. */
bool fail(struct failure *failure, enum step step, uint64_t row);

#endif
