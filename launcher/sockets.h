/* What a file that was taken from a caller is. */
#ifndef OPENSHELL_SOCKETS_H
#define OPENSHELL_SOCKETS_H

#include "caller.h"
#include "mediator.h"
#include <linux/seccomp.h>

/* An integer option at SOL_SOCKET, or -1. */
int socket_option(int file, int name);
bool socket_is_connected(int file);
/* The local port of an internet socket; 0: none. */
uint16_t socket_port(int file);
/* When a blocking call on it ends by SO_RCVTIMEO or SO_SNDTIMEO (socket(7)), on the clock of now_ms; INT64_MAX: never. */
int64_t socket_deadline(int file, int option);
/* The inode behind a link of /proc/PID/fd that says `socket:[INODE]`, else 0 with errno. */
uint64_t socket_inode(int directory, const char *name);
/* Whether a socket belongs to the sandbox's network namespace. One that does not was handed over, or inherited. */
bool is_inner(const struct mediator *mediator, int file);
/* What the caller's first argument names, to be closed; -1 after the call was answered. */
int file_of_call(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);

#endif
