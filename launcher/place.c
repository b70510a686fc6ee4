#include "place.h"
#include "gen/wire.h"
#include <netinet/in.h>
#include <string.h>

static void look_at_v4(struct place *place) {
  uint32_t address;
  memcpy(&address, place->address, 4);
  address = ntohl(address);
  place->loopback = address >> 24 == 127 || address == INADDR_ANY;
  place->plain = address == INADDR_LOOPBACK || address == INADDR_ANY;
  place->synthetic = address >> (32 - SYNTHETIC_V4_PREFIX) == SYNTHETIC_V4 >> (32 - SYNTHETIC_V4_PREFIX);
}

struct place place_of(const struct target *target) {
  static const uint8_t pool[] = SYNTHETIC_V6;
  struct place place = {.named = false};
  if (target->address.ss_family == AF_INET && target->length >= sizeof(struct sockaddr_in)) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)&target->address;
    place.named = true;
    place.port = ntohs(in->sin_port);
    place.length = 4;
    memcpy(place.address, &in->sin_addr, 4);
    look_at_v4(&place);
  } else if (target->address.ss_family == AF_INET6 && target->length >= 24) {
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&target->address;
    place.named = true;
    place.port = ntohs(in->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
      place.length = 4;
      memcpy(place.address, &in->sin6_addr.s6_addr[12], 4);
      look_at_v4(&place);
    } else {
      place.length = 16;
      memcpy(place.address, &in->sin6_addr, 16);
      place.plain = IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr);
      place.loopback = place.plain || IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
      place.synthetic = memcmp(place.address, pool, sizeof pool) == 0;
    }
  }
  return place;
}
