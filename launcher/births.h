/* Sockets of a sandbox without a network namespace. The warden makes each one and keeps a copy until it leads somewhere:
   what a call is about is then the file that is held here, found by its inode, and nothing is taken from the caller. */
#ifndef OPENSHELL_BIRTHS_H
#define OPENSHELL_BIRTHS_H

#include "caller.h"
#include "mediator.h"
#include "sys.h"
#include "target.h"

struct birth {
  uint64_t inode;
  int file; /* -1: no socket */
  int domain;
  int type;
  bool relayed;   /* datagrams: it cannot send, and hears the warden alone (datagrams.c) */
  bool attached;  /* a relayed one has its port, and hears the warden */
  bool connected; /* a relayed one, to `peer` */
  bool watched;
  struct target peer;
};

/* The socket that the caller asked for. */
void births_make(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);
/* Keeps a copy of a socket that is handed over otherwise. NULL: there is no room. */
struct birth *births_keep(const struct mediator *mediator, int file, int domain, int type);
/* What is held of the caller's descriptor, valid until the next call that makes one. NULL with errno: EBADF, ENOTSOCK,
   EACCES for a caller that cannot be looked at, ENOENT for a socket that is not held (any more). */
struct birth *births_of(const struct caller *caller, int number);
/* The inode of the socket behind the caller's descriptor; 0 with the errno of births_of. */
uint64_t births_inode(const struct caller *caller, int number);
struct birth *births_find(uint64_t inode);
/* A relayed one by the port that it has on loopback. */
struct birth *births_by_port(uint16_t port);
/* How a connect on it went: errno. A socket that leads somewhere is its caller's alone; if it still tries, it is watched. */
void births_settled(const struct mediator *mediator, uint64_t inode, int error);
/* A copy that was kept would keep the port. */
void births_release(const struct mediator *mediator, uint64_t inode);
/* Lets go of what no process of the sandbox has open any more; whether there was any. */
bool births_sweep(const struct mediator *mediator);
/* A watched one came to an end of its tries. */
void births_ready(const struct mediator *mediator, uint64_t data);

#endif
