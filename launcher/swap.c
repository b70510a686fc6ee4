#define _GNU_SOURCE
#include "swap.h"
#include "descriptors.h"
#include "epolls.h"
#include "sys.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

/* Options that a program may have set before it connects and that mean something afterwards. */
struct option {
  int level;
  int name;
  socklen_t size;
};
static const struct option OPTIONS[] = {
    {SOL_SOCKET, SO_KEEPALIVE, sizeof(int)},
    {SOL_SOCKET, SO_LINGER, sizeof(struct linger)},
    {SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval)},
    {SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval)},
    {SOL_SOCKET, SO_OOBINLINE, sizeof(int)},
    {SOL_SOCKET, SO_PRIORITY, sizeof(int)},
    {SOL_SOCKET, SO_RCVLOWAT, sizeof(int)},
    {SOL_SOCKET, SO_SNDBUF, sizeof(int)},
    {SOL_SOCKET, SO_RCVBUF, sizeof(int)},
    {IPPROTO_TCP, TCP_NODELAY, sizeof(int)},
    {IPPROTO_TCP, TCP_CORK, sizeof(int)},
    {IPPROTO_TCP, TCP_KEEPIDLE, sizeof(int)},
    {IPPROTO_TCP, TCP_KEEPINTVL, sizeof(int)},
    {IPPROTO_TCP, TCP_KEEPCNT, sizeof(int)},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, sizeof(int)},
    {IPPROTO_TCP, TCP_SYNCNT, sizeof(int)},
    {IPPROTO_TCP, TCP_LINGER2, sizeof(int)},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, sizeof(int)},
    {IPPROTO_IP, IP_TOS, sizeof(int)},
    {IPPROTO_IP, IP_TTL, sizeof(int)},
    {IPPROTO_IPV6, IPV6_TCLASS, sizeof(int)},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, sizeof(int)},
};
#define OPTION_COUNT (sizeof OPTIONS / sizeof *OPTIONS)
#define MAX_OPTION 16

#define TCP_CA_NAME_MAX 16 /* include/net/tcp.h */

static unsigned char fresh[OPTION_COUNT][MAX_OPTION];
static char fresh_congestion[TCP_CA_NAME_MAX + 1];

static bool read_option(int file, const struct option *option, unsigned char value[MAX_OPTION]) {
  socklen_t length = option->size;
  memset(value, 0, MAX_OPTION);
  return getsockopt(file, option->level, option->name, value, &length) == 0;
}

static bool read_congestion(int file, char name[TCP_CA_NAME_MAX + 1]) {
  socklen_t length = TCP_CA_NAME_MAX;
  memset(name, 0, TCP_CA_NAME_MAX + 1);
  return getsockopt(file, IPPROTO_TCP, TCP_CONGESTION, name, &length) == 0;
}

void swap_start(int socket) {
  read_congestion(socket, fresh_congestion);
  for (size_t i = 0; i < OPTION_COUNT; i++) read_option(socket, &OPTIONS[i], fresh[i]);
}

static void copy_options(int from, int to, int domain) {
  unsigned char value[MAX_OPTION];
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    const struct option *option = &OPTIONS[i];
    if (option->level == IPPROTO_IPV6 && domain != AF_INET6) continue;
    if (!read_option(from, option, value) || memcmp(value, fresh[i], MAX_OPTION) == 0) continue;
    if (option->level == SOL_SOCKET && (option->name == SO_SNDBUF || option->name == SO_RCVBUF)) {
      int size;
      memcpy(&size, value, sizeof size);
      size /= 2; /* the kernel doubles what is set (socket(7)) */
      memcpy(value, &size, sizeof size);
    }
    setsockopt(to, option->level, option->name, value, option->size);
  }
  char name[TCP_CA_NAME_MAX + 1];
  if (read_congestion(from, name) && strcmp(name, fresh_congestion) != 0)
    setsockopt(to, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
}

int swap_make(int file, int domain) {
  int made = descriptors_lift(socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made >= 0) copy_options(file, made, domain);
  return made;
}

/* Whether the caller's descriptor is close-on-exec: the flags in its fdinfo are octal. */
static bool is_close_on_exec(const struct caller *caller, int number) {
  char path[32];
  char text[256];
  snprintf(path, sizeof path, "fdinfo/%d", number);
  int fd = openat(caller->proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return true;
  text[length] = 0;
  const char *flags = strstr(text, "flags:");
  return flags == NULL || (strtoul(flags + 6, NULL, 8) & O_CLOEXEC) != 0;
}

bool swap_hand_over(const struct mediator *mediator, uint64_t id, const struct caller *caller, int number, int file,
                    int replacement) {
  struct seccomp_notif_addfd add = {.id = id,
                                    .flags = SECCOMP_ADDFD_FLAG_SETFD,
                                    .srcfd = (uint32_t)replacement,
                                    .newfd = (uint32_t)number,
                                    .newfd_flags = is_close_on_exec(caller, number) ? O_CLOEXEC : 0};
  epolls_transplant(caller, number, file, replacement);
  return ioctl(mediator->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0;
}
