#include "step.h"
#include <errno.h>

bool fail(struct failure *failure, enum step step, uint64_t row) {
  *failure = (struct failure){.step = step, .error = errno, .row = row};
  return false;
}
