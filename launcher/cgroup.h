/* The cgroup that the supervisor made for a sandbox (cgroups(7)). */
#ifndef OPENSHELL_CGROUP_H
#define OPENSHELL_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#define CGROUP_NONE (-2)

/* Opened while we still are who may write to it. CGROUP_NONE for an empty path; -1 with errno. */
int cgroup_open(const char *path);
/* Puts `process` into it and closes it. */
bool cgroup_join(int cgroup, pid_t process);

#endif
