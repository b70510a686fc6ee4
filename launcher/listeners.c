#define _GNU_SOURCE
#include "listeners.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MAX_LISTENERS 256
#define LISTENING 0x0a /* TCP_LISTEN */

static uint64_t inodes[MAX_LISTENERS];
static unsigned next;

static void become_loopback(int file, struct target *target) {
  struct sockaddr_in *in = (struct sockaddr_in *)&target->address;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&target->address;
  int only = 0;
  socklen_t length = sizeof only;
  if (target->address.ss_family == AF_INET) {
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return;
  }
  getsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &only, &length);
  /* One address cannot serve both families; the older one is what clients of "localhost" try first. */
  if (only) in6->sin6_addr = in6addr_loopback;
  else in6->sin6_addr = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
}

static bool is_any(const struct place *place) {
  static const uint8_t none[16];
  return memcmp(place->address, none, place->length) == 0;
}

bool listeners_local(int file, struct target *target) {
  struct place place = place_of(target);
  if (!place.named || !place.loopback) return false;
  if (is_any(&place)) become_loopback(file, target);
  return true;
}

static uint64_t inode_of(int file) {
  struct stat st;
  return fstat(file, &st) == 0 ? st.st_ino : 0;
}

bool listeners_known(uint64_t inode) {
  for (unsigned i = 0; i < MAX_LISTENERS; i++)
    if (inode != 0 && inodes[i] == inode) return true;
  return false;
}

int listeners_start(int file, int backlog) {
  struct target local = {.length = sizeof local.address};
  if (getsockname(file, (struct sockaddr *)&local.address, &local.length) < 0) return errno;
  if (local.address.ss_family != AF_UNIX) {
    struct place place = place_of(&local);
    if (!listeners_local(file, &local)) return EACCES;
    /* Without a port listen(2) would choose one on every address. */
    if (place.port == 0 && bind(file, (const struct sockaddr *)&local.address, local.length) < 0) return errno;
    if (place.port != 0 && is_any(&place)) return EACCES;
  }
  if (listen(file, backlog) < 0) return errno;
  inodes[next] = inode_of(file);
  next = (next + 1) % MAX_LISTENERS;
  return 0;
}

/* The addresses of /proc/net/tcp are words as they lie in memory. */
static bool is_at(const uint32_t row[4], bool six, const struct place *place) {
  struct place wanted = *place;
  uint8_t address[16];
  if (is_any(&wanted)) {
    memset(wanted.address, 0, sizeof wanted.address);
    if (wanted.length == 4) wanted.address[0] = 127;
    wanted.address[wanted.length - 1] = 1;
  }
  memcpy(address, row, sizeof address);
  if (!six) return wanted.length == 4 && memcmp(address, wanted.address, 4) == 0;
  if (wanted.length == 16) return memcmp(address, wanted.address, 16) == 0;
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  return memcmp(address, mapped, 12) == 0 && memcmp(address + 12, wanted.address, 4) == 0;
}

static bool own_in(const char *path, bool six, const struct place *place) {
  char line[512];
  bool found = false;
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  while (!found && fgets(line, sizeof line, file) != NULL) {
    uint32_t row[4] = {0};
    unsigned port;
    unsigned state;
    unsigned long inode;
    int got = six ? sscanf(line, " %*d: %8x%8x%8x%8x:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu", &row[0], &row[1], &row[2],
                           &row[3], &port, &state, &inode) - 3
                  : sscanf(line, " %*d: %8x:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %lu", &row[0], &port, &state, &inode);
    found = got == 4 && state == LISTENING && port == place->port && is_at(row, six, place) && listeners_known(inode);
  }
  fclose(file);
  return found;
}

bool listeners_own(const struct place *place) {
  return own_in("/proc/self/net/tcp", false, place) || own_in("/proc/self/net/tcp6", true, place);
}
