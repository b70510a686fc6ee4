/* What an internet address of the workload means to the sandbox. Pure: it reads no more than the bytes it is given. */
#ifndef OPENSHELL_PLACE_H
#define OPENSHELL_PLACE_H

#include "target.h"
#include <stdbool.h>
#include <stdint.h>

struct place {
  bool named;     /* a whole address with a port */
  bool loopback;  /* 127.0.0.0/8, ::1, and the unspecified addresses, which mean the same */
  bool plain;     /* 127.0.0.1 or unspecified: where the proxy listens */
  bool synthetic; /* of the policy DNS, or the sandbox's own */
  uint16_t port;
  uint8_t address[16];
  uint32_t length; /* 4 or 16; a mapped address counts as the IPv4 address in it */
};

struct place place_of(const struct target *target);

#endif
