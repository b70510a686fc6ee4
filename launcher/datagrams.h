/* Datagrams of a sandbox without a network namespace. Its sockets are shut down for sending, which nothing undoes, and are
   connected to a socket of ours: no race of threads can make one send, and none hears anybody else. What is sent goes to
   the supervisor as a report, once its destination was judged; what is answered comes back as a command. Among themselves
   the sandbox's sockets on loopback need neither. */
#ifndef OPENSHELL_DATAGRAMS_H
#define OPENSHELL_DATAGRAMS_H

#include "waiting.h"
#include "sys.h"

struct birth;
/* Binds it to that port of loopback, 0 for any, and to us. 0 or errno. */
int datagrams_attach(struct birth *birth, uint16_t port);
/* connect(2) on a relayed socket. */
void datagrams_connect(const struct mediator *mediator, struct waiting *waiting);
/* A call that sends by a number of relayed sockets. */
void datagrams_send(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call);
/* A call that receives by such a number. */
void datagrams_receive(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call);
/* There is something to receive for a caller that waited. */
void datagrams_receive_again(const struct mediator *mediator, struct waiting *waiting);
/* The destination that the caller waits for is allowed, for so long. */
void datagrams_judged(const struct mediator *mediator, struct waiting *waiting, uint32_t ttl_ms);
/* `u32 local port, u32 port, u32 address length, address[16], payload`: an answer for the socket of that port. */
void datagrams_deliver(const uint8_t *payload, size_t length);

#endif
