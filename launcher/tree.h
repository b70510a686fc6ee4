/* The processes of a sandbox, found through their parents. */
#ifndef OPENSHELL_TREE_H
#define OPENSHELL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MAX_TREE 8192

/* A small file as a string. */
bool tree_read_file(const char *path, char *text, size_t size);
/* `top` and its descendants, each after its parent. They are children of `top` again when their parents end, if `top` is
   a subreaper. Returns how many there are; the list is valid until the next call. */
unsigned tree_list(pid_t top, const pid_t **list);
/* Threads of a process; 0 when it is gone. */
unsigned tree_threads(pid_t pid);
/* Processes and threads of `top` and its descendants. */
unsigned tree_tasks(pid_t top);
/* Those of a user, as far as they can be seen; a process that cannot be dumped counts as root's. */
unsigned tree_tasks_of_user(uid_t uid);
/* Ends every descendant of this process and waits for it; what is born meanwhile as well. */
void tree_kill_below_self(void);

#endif
