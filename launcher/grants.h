/* What the Landlock rows of the plan grant, for what Landlock has no right for: by device and inode, as Landlock has it. */
#ifndef OPENSHELL_GRANTS_H
#define OPENSHELL_GRANTS_H

#include "document.h"
#include <stdbool.h>

enum grant { GRANT_READ, GRANT_WRITE };

/* Looks at what stands at the names of the rows, before the program can put something else there. `scratch` as of
   confine_landlock. */
bool grants_load(const struct document *plan, const char *scratch);
/* Whether the rows grant this for a file that is held (O_PATH). What has no name in any directory is granted: nobody gets at it
   but by a descriptor. */
bool grants_cover(int held, enum grant grant);

#endif
