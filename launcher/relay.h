/* Sockets of the sandbox's network that stand for endpoints which take datagrams: bound inside to the address that the
   workload sends to, synthetic or real, and served by the supervisor outside. */
#ifndef OPENSHELL_RELAY_H
#define OPENSHELL_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens the namespaces of init, before it can no longer be looked at. */
bool relay_prepare(pid_t init);
/* Makes the socket that a `datagrams` command asks for (`u32 number, u32 port, u32 address length, address[16]`), and hands
   it over as `datagrams-NUMBER`. */
void relay_make(int channel, const uint8_t *payload, size_t length);

#endif
