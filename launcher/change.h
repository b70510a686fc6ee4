/* Changes of what Landlock has no right for, made by the agent on the file that it judged: never again by a name. */
#ifndef OPENSHELL_CHANGE_H
#define OPENSHELL_CHANGE_H

#include "errand.h"
#include <stdbool.h>

/* Opens what the errand is about from `dir` (O_PATH, or AT_FDCWD); -1 with errno. `*refused`: the rows do not grant it. */
int change_find(const struct errand *errand, int dir, bool *refused);
/* Does the errand from `dir`. 0, or the errno of the call; `*refused` as above: nothing was done. */
int change_make(const struct errand *errand, int dir, bool *refused);

#endif
