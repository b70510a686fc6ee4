/* Where the warden keeps its own descriptors: high up, so that a caller's descriptor number is free for a moment. */
#ifndef OPENSHELL_DESCRIPTORS_H
#define OPENSHELL_DESCRIPTORS_H

#include <sys/types.h>

/* Raises the limit of open files as far as it goes; called once, before anything is lifted. */
void descriptors_start(void);
/* How many this process may have open. */
unsigned descriptors_limit(void);
/* Moves a descriptor up and closes the low one. Gives back what it got when there is no room, and -1 for -1. */
int descriptors_lift(int fd);
/* A namespace of a process (`user`, `mnt`, `net`, …), lifted; -1 with errno. */
int descriptors_open_namespace(pid_t process, const char *name);
/* In a new process: closes everything but these, which become 3, 4, … in this order. */
void descriptors_keep_only(int *fds, int count);

#endif
