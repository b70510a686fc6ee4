/* User and group ids: those that the workload has on the host, and their names inside. */
#ifndef OPENSHELL_IDS_H
#define OPENSHELL_IDS_H

#include "document.h"
#include "step.h"
#include <sys/types.h>

struct host_ids {
  uid_t uid;
  gid_t gid;
  bool drop; /* the caller is root and must become these */
};

/* The ids that the plan asks for; an unused one is looked for in a range that no account of the host has. */
bool ids_choose(const struct settings_row *settings, struct host_ids *ids, struct failure *failure);
/* Gives up root for good: groups, gid, uid. */
bool ids_drop(const struct host_ids *ids, struct failure *failure);
/* Writes the id maps of `child`, which is in a new user namespace. */
bool ids_map(const struct settings_row *settings, const struct host_ids *ids, pid_t child, struct failure *failure);

#endif
