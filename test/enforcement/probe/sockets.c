/* Which sockets can be made, and what can be set on them. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long make(char **a) { return syscall(SYS_socket, number(a[0]), number(a[1]), number(a[2])); }
static long make_pair(char **a) {
  int ends[2];
  return syscall(SYS_socketpair, number(a[0]), number(a[1]), number(a[2]), ends);
}

/* Whether any family but Unix, the internet and netlink is there. */
static long other_family(char **a) {
  (void)a;
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM};
  for (long family = 0; family < 64; family++) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
      long made = syscall(SYS_socket, family, types[i], 0);
      if (made >= 0) return made;
    }
  }
  return -1;
}

static int plain_socket(long domain, long type) {
  int file = (int)syscall(SYS_socket, domain, type, 0);
  if (file < 0) broken("socket");
  return file;
}

/* domain type level name value, the value being an int. */
static long set_option(char **a) {
  int value = (int)number(a[4]);
  int file = plain_socket(number(a[0]), number(a[1]));
  return syscall(SYS_setsockopt, file, number(a[2]), number(a[3]), &value, sizeof value);
}
static long set_text_option(char **a) {
  int file = plain_socket(number(a[0]), number(a[1]));
  return syscall(SYS_setsockopt, file, number(a[2]), number(a[3]), given(a[4]), strlen(a[4]) + 1);
}
static long attach_filter(char **a) {
  (void)a;
  struct {
    uint16_t length;
    struct {
      uint16_t code;
      uint8_t jt, jf;
      uint32_t k;
    } *code;
  } program;
  struct {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
  } accept = {6 /* BPF_RET | BPF_K */, 0, 0, 0xffff};
  program.length = 1;
  program.code = (void *)&accept;
  return syscall(SYS_setsockopt, plain_socket(AF_INET, SOCK_DGRAM), SOL_SOCKET, 26 /* SO_ATTACH_FILTER */, &program,
                 sizeof program);
}
/* IP_OPTIONS with a loose source route by 127.0.0.1. */
static long source_route(char **a) {
  (void)a;
  static const uint8_t option[] = {131, 7, 4, 127, 0, 0, 1, 1};
  return syscall(SYS_setsockopt, plain_socket(AF_INET, SOCK_STREAM), IPPROTO_IP, 4, option, sizeof option);
}

/* Two ends of one TCP connection over ::1. */
static int connected(void) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  socklen_t length = sizeof address;
  int listener = plain_socket(AF_INET6, SOCK_STREAM);
  int file = plain_socket(AF_INET6, SOCK_STREAM);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
      connect(file, (struct sockaddr *)&address, length) < 0)
    broken("a connection over ::1");
  return file;
}
/* A segment routing header (RFC 8754): what is sent next on the connection goes by way of another address. */
static long routing_header(char **a) {
  (void)a;
  uint8_t header[24] = {0, 2, 4, 0, 0, 0, 0, 0};
  header[23] = 1;
  return syscall(SYS_setsockopt, connected(), IPPROTO_IPV6, 57, header, sizeof header);
}

/* Adds 127.9.9.9/32 to the loopback interface. */
static long add_address(char **a) {
  (void)a;
  struct {
    struct nlmsghdr header;
    struct ifaddrmsg body;
    struct rtattr kind;
    uint32_t address;
  } message = {
      .header = {.nlmsg_len = sizeof message, .nlmsg_type = RTM_NEWADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE},
      .body = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1},
      .kind = {.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL},
  };
  message.address = htonl(0x7f090909);
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[256];
  } answer;
  int file = (int)syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (file < 0) return -1;
  if (send(file, &message, sizeof message, 0) < 0) return -1;
  if (recv(file, &answer, sizeof answer, 0) < (ssize_t)sizeof answer.header) broken("an answer");
  if (answer.header.nlmsg_type != NLMSG_ERROR) broken("an answer of netlink");
  errno = -answer.error.error;
  return answer.error.error == 0 ? 0 : -1;
}
/* What the kernel's lists say, as of neighbours, routes or rules. Works when the answer holds an entry: the number of
   those is that of the request less two. */
static long dump(char **a) {
  struct {
    struct nlmsghdr header;
    struct rtgenmsg body;
  } message = {
      .header = {.nlmsg_len = sizeof message, .nlmsg_type = (uint16_t)number(a[0]), .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
      .body = {.rtgen_family = AF_UNSPEC},
  };
  struct {
    struct nlmsghdr header;
    char rest[32768];
  } answer;
  int file = (int)syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (file < 0 || send(file, &message, sizeof message, 0) < 0) return -1;
  ssize_t length = recv(file, &answer, sizeof answer, 0);
  if (length <= 0) broken("an answer");
  errno = EPERM;
  return length >= (ssize_t)sizeof answer.header && answer.header.nlmsg_type == message.header.nlmsg_type - 2 ? 0 : -1;
}
static long loopback_down(char **a) {
  (void)a;
  struct ifreq request = {.ifr_name = "lo"};
  return ioctl(plain_socket(AF_INET, SOCK_DGRAM), SIOCSIFFLAGS, &request);
}

const struct entry SOCKET_ACTIONS[] = {
    {"socket", make},
    {"socketpair", make_pair},
    {"other-family", other_family},
    {"set-option", set_option},
    {"set-text-option", set_text_option},
    {"attach-filter", attach_filter},
    {"source-route", source_route},
    {"routing-header", routing_header},
    {"add-address", add_address},
    {"netlink-dump", dump},
    {"loopback-down", loopback_down},
    {0},
};
