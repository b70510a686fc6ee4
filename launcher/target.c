#define _GNU_SOURCE
#include "target.h"
#include "caller.h"
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int target_read(const struct caller *caller, uint64_t address, int length, struct target *target) {
  if (length < (int)sizeof(sa_family_t) || length > (int)sizeof target->address) return EINVAL;
  memset(target, 0, sizeof *target);
  if (!caller_read(caller, address, &target->address, (size_t)length)) return errno;
  target->length = (socklen_t)length;
  return 0;
}

bool target_make(struct target *target, int domain, const uint8_t *address, uint32_t length, uint32_t port) {
  memset(target, 0, sizeof *target);
  if (port == 0 || port > 65535) return false;
  if (domain == AF_INET && length == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *)&target->address;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    memcpy(&in->sin_addr, address, 4);
    target->length = sizeof *in;
    return true;
  }
  if (domain == AF_INET6 && (length == 4 || length == 16)) {
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)&target->address;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons((uint16_t)port);
    if (length == 4) {
      in->sin6_addr.s6_addr[10] = in->sin6_addr.s6_addr[11] = 0xff;
      memcpy(&in->sin6_addr.s6_addr[12], address, 4);
    } else {
      memcpy(&in->sin6_addr, address, 16);
    }
    target->length = sizeof *in;
    return true;
  }
  return false;
}
