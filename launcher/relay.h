/* Sockets of the sandbox's network that stand for endpoints which take datagrams: bound to a synthetic address inside,
   served by the supervisor outside. */
#ifndef OPENSHELL_RELAY_H
#define OPENSHELL_RELAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens the namespaces of init, before it can no longer be looked at. */
bool relay_prepare(pid_t init);
/* A UDP socket bound inside to an address of 4 or 16 bytes; -1 with errno. */
int relay_bind(const uint8_t *address, uint32_t length, uint32_t port);

#endif
