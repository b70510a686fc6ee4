#define _GNU_SOURCE
#include "relay.h"
#include "descriptors.h"
#include "handle.h"
#include "inbox.h"
#include "network.h"
#include "place.h"
#include "sys.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define ANSWER_MS 2000

static int user_namespace = -1;
static int network_namespace = -1;

bool relay_prepare(pid_t init) {
  user_namespace = descriptors_open_namespace(init, "user");
  network_namespace = descriptors_open_namespace(init, "net");
  return user_namespace >= 0 && network_namespace >= 0;
}

/* IPv6 has no address of the pool on an interface, only a route that makes all of it local: binding to one is free. A real
   address, which an endpoint names, gets such a route of its own. */
static int bound(const struct target *target, int domain) {
  int free = 1;
  struct place place = place_of(target);
  if (!place.synthetic && !network_make_local(domain, place.address, place.length)) return -1;
  int fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &free, sizeof free) < 0 && domain == AF_INET) return -1;
  if (domain == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &free, sizeof free) < 0) return -1;
  return bind(fd, (const struct sockaddr *)&target->address, target->length) == 0 ? fd : -1;
}

/* A process of its own, since only its namespaces may change, and for one socket: it has the right to bind to any port. */
static _Noreturn void make(int channel, const struct target *target, int domain) {
  int keep[3] = {channel, user_namespace, network_namespace};
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  descriptors_keep_only(keep, 3);
  if (setns(keep[1], CLONE_NEWUSER) < 0 || setns(keep[2], CLONE_NEWNET) < 0) _exit(1);
  int fd = bound(target, domain);
  inbox_send(keep[0], (struct inbox_message){.kind = INBOX_FOUND, .b = fd < 0 ? errno : 0}, fd);
  _exit(0);
}

static int relay_bind(const uint8_t *address, uint32_t length, uint32_t port) {
  int domain = length == 4 ? AF_INET : AF_INET6;
  struct target target;
  struct inbox_message message;
  int pair[2];
  int fd = -1;
  if (!target_make(&target, domain, address, length, port)) {
    errno = EINVAL;
    return -1;
  }
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -1;
  pid_t child = fork();
  if (child == 0) make(pair[1], &target, domain);
  close(pair[1]);
  struct pollfd wait = {.fd = pair[0], .events = POLLIN};
  if (child < 0 || poll(&wait, 1, ANSWER_MS) != 1 || inbox_receive(pair[0], &message, &fd, NULL) != 1) errno = EIO;
  else errno = message.b;
  close(pair[0]);
  return descriptors_lift(fd);
}

void relay_make(int channel, const uint8_t *payload, size_t length) {
  struct {
    uint32_t number;
    uint32_t port;
    uint32_t address_length;
    uint8_t address[16];
  } wanted;
  char kind[32];
  if (length != sizeof wanted) return;
  memcpy(&wanted, payload, length);
  int fd = relay_bind(wanted.address, wanted.address_length, wanted.port);
  if (fd < 0) return; /* the supervisor does not wait for ever */
  snprintf(kind, sizeof kind, "datagrams-%u", wanted.number);
  handle_send(channel, kind, fd);
  close(fd);
}
