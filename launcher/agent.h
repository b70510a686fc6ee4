/* A process of ours inside the sandbox's user and mount namespaces, outside of its pid namespace, or under the same
   Landlock rules where there are none: it resolves paths as the workload would. Started when it is first needed. */
#ifndef OPENSHELL_AGENT_H
#define OPENSHELL_AGENT_H

#include "document.h"
#include "errand.h"
#include "step.h"
#include <stdbool.h>
#include <sys/types.h>

/* Opens the namespaces of init, before it can no longer be looked at. */
bool agent_prepare(pid_t init);
/* Without namespaces: makes the rules, before the program can put something else at a name in them. `scratch` as of
   confine_landlock. */
bool agent_prepare_rules(const struct document *plan, const char *scratch, struct failure *failure);
/* Resolves the path of a Unix socket from the directory `cwd` (O_PATH). Returns an O_PATH descriptor of a socket that the
   workload may connect to, or -1 with errno: EACCES when the policy does not let it. */
int agent_find_socket(const struct document *plan, int cwd, const char *path);
/* Has the errand done from `dir` (O_PATH, or AT_FDCWD), without namespaces only: 0, or the errno of the call. `*refused`: the
   rules do not grant it, and nothing was done. */
int agent_change(const struct document *plan, const struct errand *errand, int dir, bool *refused);
/* Gives `socket` the name of an errand of errand_take_bind, as far as the rules let the workload: 0, or the errno of bind(2). */
int agent_bind(const struct document *plan, const struct errand *errand, int dir, int socket);
/* The same for a watch: an O_PATH descriptor of what may be watched, or -1 with errno. */
int agent_find_watched(const struct document *plan, const struct errand *errand, int dir, bool *refused);

#endif
