/* Which epoll sets a process has, and what it registered there: a socket that is replaced takes its registrations
   along, or programs that register before they connect (Go, Java NIO, nginx, Asio) would wait for ever. */
#ifndef OPENSHELL_EPOLLS_H
#define OPENSHELL_EPOLLS_H

#include "caller.h"

/* The process made an epoll set: what is known about it is old. */
void epolls_created(const struct caller *caller);
/* Registers `replacement` wherever the caller registered `file` under `number`, with the same events and data. The key
   of a registration is (file, number), so that the caller can change and remove it as its own. */
void epolls_transplant(const struct caller *caller, int number, int file, int replacement);

#endif
