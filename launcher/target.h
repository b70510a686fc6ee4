/* An address as a caller gave it: as long as it said, zeros behind that. */
#ifndef OPENSHELL_TARGET_H
#define OPENSHELL_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct caller;

struct target {
  struct sockaddr_storage address;
  socklen_t length;
};

/* Reads the address argument of a call. 0, or the errno to answer. */
int target_read(const struct caller *caller, uint64_t address, int length, struct target *target);
/* The address (4 or 16 bytes, network order) and port for a socket of that family: an IPv4 one is mapped for IPv6. False: it
   fits none. */
bool target_make(struct target *target, int domain, const uint8_t *address, uint32_t length, uint32_t port);

#endif
