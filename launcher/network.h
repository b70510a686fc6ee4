/* The network namespace of the sandbox as init prepares it, before any restriction. */
#ifndef OPENSHELL_NETWORK_H
#define OPENSHELL_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool network_loopback_up(void);
/* Gives `lo` the sandbox's own addresses, and makes the synthetic ones local: what reaches the kernel for them stays. */
bool network_addresses(void);
/* Makes one more address local, or finds it so: what is sent there stays, and a socket can be bound to it. False with errno. */
bool network_make_local(int family, const void *address, size_t length);
/* A TCP socket that listens on `address` (host order) and `port` in the present namespace, or -1. */
int network_listen(uint32_t address, uint16_t port);
/* A UDP socket bound there, or -1. */
int network_bind(uint32_t address, uint16_t port);
/* A fresh TCP socket of the present namespace, IPv6 where there is any; -1 with errno. */
int network_socket(void);
/* SO_NETNS_COOKIE of the present namespace, 0 where the kernel has none. */
uint64_t network_cookie(void);

#endif
