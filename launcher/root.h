/* The private root: a tmpfs that holds the listed paths and nothing else. */
#ifndef OPENSHELL_ROOT_H
#define OPENSHELL_ROOT_H

#include "document.h"
#include "step.h"
#include <sys/types.h>

/* Detached copies of the sources of all bind rows, by row; -1 for rows that have none. */
struct sources {
  int *trees;
  uint32_t count;
};

/* Opens the sources of bind rows as detached mount trees, in the mount namespace of the caller. With `idmap`, rows that
   ask for it are mapped so that their owner on disk appears as `host_uid`, `host_gid` (needs CAP_SYS_ADMIN). */
bool sources_open(struct sources *sources, const struct document *plan, bool idmap, uid_t host_uid, gid_t host_gid,
                  struct failure *failure);

/* Builds the root in the present mount namespace and makes it the root of this process, with the old one detached. */
bool root_build(const struct document *plan, const struct sources *sources, struct failure *failure);

#endif
