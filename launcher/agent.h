/* A process of ours inside the sandbox's user and mount namespaces, outside of its pid namespace, or under the same
   Landlock rules where there are none: it resolves paths as the workload would. Started when it is first needed. */
#ifndef OPENSHELL_AGENT_H
#define OPENSHELL_AGENT_H

#include "document.h"
#include <sys/types.h>

/* Opens the namespaces of init, before it can no longer be looked at. */
bool agent_prepare(pid_t init);
/* Without namespaces: `scratch` as of confine_landlock. */
void agent_prepare_rules(const char *scratch_directory);
/* Resolves the path of a Unix socket from the directory `cwd` (O_PATH). Returns an O_PATH descriptor of a socket that the
   workload may connect to, or -1 with errno: EACCES when the policy does not let it. */
int agent_find_socket(const struct document *plan, int cwd, const char *path);

#endif
