#define _GNU_SOURCE
#include "abstract.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define START (sizeof(sa_family_t) + 1) /* the family, and the NUL before the name */

static char own[sizeof "openshell-0123456789abcdef-"];

static uint64_t chance(void) {
  uint64_t number = 0;
  /* Never fails for so few bytes once the kernel has started; a number that is known would do no harm. */
  if (getrandom(&number, sizeof number, 0) < 0) number = (uint64_t)getpid();
  return number;
}

bool abstract_named(const struct target *target) {
  const struct sockaddr_un *address = (const struct sockaddr_un *)&target->address;
  return target->address.ss_family == AF_UNIX && (target->length <= sizeof(sa_family_t) || address->sun_path[0] == 0);
}

int abstract_own(struct target *target) {
  struct sockaddr_un *address = (struct sockaddr_un *)&target->address;
  char *name = address->sun_path + 1;
  size_t length = target->length > START ? target->length - START : 0;
  size_t begin = sizeof own - 1;
  if (own[0] == 0) snprintf(own, sizeof own, "openshell-%016llx-", (unsigned long long)chance());
  if (length >= begin && memcmp(name, own, begin) == 0) return 0;
  if (target->length <= sizeof(sa_family_t)) { /* the kernel would take five digits too */
    address->sun_path[0] = 0;
    snprintf(name, 6, "%05llx", (unsigned long long)(chance() & 0xfffff));
    length = 5;
  }
  if (length > sizeof address->sun_path - 1 - begin) return EINVAL;
  memmove(name + begin, name, length);
  memcpy(name, own, begin);
  target->length = (socklen_t)(START + begin + length);
  return 0;
}

bool abstract_peer_is_own(int file) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  return getsockopt(file, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == getpid();
}
