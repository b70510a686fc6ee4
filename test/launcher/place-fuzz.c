/* A fuzzer of the reading of socket addresses (libFuzzer): what it says about one agrees with inet_ntop(3) and IN6_IS_ADDR_*. */
#include "place.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void want(int truth) {
  if (!truth) abort();
}

/* The IPv4 address that an address is or holds, as text; false when it is another. */
static int dotted(const struct target *target, char text[INET6_ADDRSTRLEN]) {
  if (target->address.ss_family == AF_INET)
    return inet_ntop(AF_INET, &((const struct sockaddr_in *)&target->address)->sin_addr, text, INET6_ADDRSTRLEN) != NULL;
  char whole[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&target->address)->sin6_addr, whole, sizeof whole);
  if (strncmp(whole, "::ffff:", 7) != 0 || strchr(whole, '.') == NULL) return 0;
  strcpy(text, whole + 7);
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct target target;
  char text[INET6_ADDRSTRLEN];
  memset(&target, 0, sizeof target);
  if (size > sizeof target.address) size = sizeof target.address;
  memcpy(&target.address, data, size);
  target.length = (socklen_t)size;
  struct place place = place_of(&target);
  int family = size >= sizeof(sa_family_t) ? target.address.ss_family : AF_UNSPEC;
  want(place.named == ((family == AF_INET && size >= sizeof(struct sockaddr_in)) || (family == AF_INET6 && size >= 24)));
  want(place.named || (!place.loopback && !place.plain && !place.synthetic && place.port == 0 && place.length == 0));
  if (!place.named) return 0;
  want(place.length == 4 || place.length == 16);
  want(place.port == (uint16_t)(data[2] << 8 | data[3]));
  want(!place.plain || place.loopback);
  want(!(place.loopback && place.synthetic));
  if (dotted(&target, text)) {
    want(place.length == 4);
    int loopback = strncmp(text, "127.", 4) == 0 || strcmp(text, "0.0.0.0") == 0;
    want(place.loopback == loopback);
    want(place.synthetic == (strncmp(text, "198.18.", 7) == 0 || strncmp(text, "198.19.", 7) == 0));
  } else {
    const struct in6_addr *address = &((const struct sockaddr_in6 *)&target.address)->sin6_addr;
    want(place.length == 16 && memcmp(place.address, address, 16) == 0);
    want(place.loopback == (IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address)));
    want(place.synthetic == (memcmp(address, "\xfdopenshe", 8) == 0));
  }
  return 0;
}
