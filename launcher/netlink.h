/* Netlink sockets for looking up interfaces where the network is the host's: what they receive is links, addresses and
   how a request ended. Neighbours, routes and rules come cut to one byte, which no program takes for a message. */
#ifndef OPENSHELL_NETLINK_H
#define OPENSHELL_NETLINK_H

#include "mediator.h"
#include "sys.h"

/* Makes the socket that `call` asks for and answers with its descriptor. */
void netlink_socket_for(const struct mediator *mediator, const struct seccomp_notif *call);

#endif
