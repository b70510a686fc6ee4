/* The network namespace of the sandbox as init prepares it, before any restriction. */
#ifndef OPENSHELL_NETWORK_H
#define OPENSHELL_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

bool network_loopback_up(void);
/* A socket that listens on 127.0.0.1:`port` in the present namespace, or -1. */
int network_listen(uint16_t port);
/* SO_NETNS_COOKIE of the present namespace, 0 where the kernel has none. */
uint64_t network_cookie(void);

#endif
