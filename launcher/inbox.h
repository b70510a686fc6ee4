/* What init and the warden say to each other: fixed messages on a SOCK_SEQPACKET pair, at most one descriptor each. */
#ifndef OPENSHELL_INBOX_H
#define OPENSHELL_INBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum inbox_kind {
  INBOX_GO = 1,     /* warden to init: ids are mapped, begin */
  INBOX_SIGNAL,     /* warden to init: a = signal, b = scope */
  INBOX_FAILED,     /* init to warden: a = step, b = errno, c = row */
  INBOX_PROXY,      /* init to warden: the listening socket of the proxy */
  INBOX_PTY,        /* init to warden: the master side */
  INBOX_LISTENER,   /* init to warden: the seccomp listener; a = 1: WAIT_KILLABLE_RECV; c = cookie of the network namespace */
  INBOX_EXECUTING,  /* main to warden: the next call is execve; the kernel adds the sender's process number */
  INBOX_INNER,      /* init to warden: a socket of its network namespace; a = 1: IPv6 too */
  INBOX_DNS_UDP,    /* init to warden: the sockets of the policy DNS */
  INBOX_DNS_TCP,
  INBOX_FOUND,      /* agent to warden: b = errno, or 0, where something was to be found with it; a = 1: the rules refuse it */
  INBOX_EXITED,     /* init to warden: a = 1: killed by signal b, else exit code b */
};

struct inbox_message {
  uint32_t kind;
  uint32_t a;
  int32_t b;
  uint32_t pad;
  uint64_t c;
};

/* Both return 0, or -1 with errno. `fd` is -1 for none. */
int inbox_send(int socket, struct inbox_message message, int fd);
/* `fd` and `sender` may be NULL; a descriptor is close-on-exec. Returns 1, 0 at the end of the stream, -1 with errno. */
int inbox_receive(int socket, struct inbox_message *message, int *fd, pid_t *sender);

/* Any bytes with one descriptor, -1 for none: all of them, or -1 with errno. */
int inbox_send_bytes(int socket, const void *bytes, size_t length, int fd);
/* How many bytes came, cut to `size`; 0 at the end of the stream, -1 with errno. `fd` as in inbox_receive. */
ssize_t inbox_receive_bytes(int socket, void *bytes, size_t size, int *fd);

#endif
