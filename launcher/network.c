#define _GNU_SOURCE
#include "network.h"
#include "gen/wire.h"
#include "sys.h"
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define LOOPBACK_INDEX 1

static int keep_errno(int fd) {
  int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

bool network_loopback_up(void) {
  struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
  strcpy(request.ifr_name, "lo");
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  int result = ioctl(fd, SIOCSIFFLAGS, &request);
  keep_errno(fd);
  return result == 0;
}

/* One rtnetlink(7) request under construction. */
struct message {
  struct nlmsghdr header;
  union {
    struct ifaddrmsg address;
    struct rtmsg route;
  };
  uint8_t attributes[128];
};

static void add_attribute(struct message *message, unsigned short type, const void *value, size_t length) {
  struct rtattr *attribute = (struct rtattr *)((uint8_t *)message + NLMSG_ALIGN(message->header.nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(length);
  memcpy(RTA_DATA(attribute), value, length);
  message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

/* Sends a request and reads its acknowledgement. */
static bool request(int fd, struct message *message) {
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    uint8_t rest[256];
  } reply;
  message->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  if (send(fd, message, message->header.nlmsg_len, 0) < 0) return false;
  ssize_t got = recv(fd, &reply, sizeof reply, 0);
  if (got < (ssize_t)(NLMSG_HDRLEN + sizeof reply.error) || reply.header.nlmsg_type != NLMSG_ERROR) {
    errno = EPROTO;
    return false;
  }
  errno = -reply.error.error;
  return reply.error.error == 0;
}

static bool add_address(int fd, unsigned char family, const void *address, size_t length) {
  struct message message = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof message.address), .nlmsg_type = RTM_NEWADDR}};
  message.address = (struct ifaddrmsg){.ifa_family = family, .ifa_prefixlen = (unsigned char)(length * 8),
                                       .ifa_flags = IFA_F_NODAD, .ifa_index = LOOPBACK_INDEX};
  add_attribute(&message, IFA_LOCAL, address, length);
  add_attribute(&message, IFA_ADDRESS, address, length);
  return request(fd, &message);
}

static bool add_local_route(int fd, unsigned char family, const void *base, size_t length, unsigned char prefix) {
  uint32_t index = LOOPBACK_INDEX;
  struct message message = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof message.route), .nlmsg_type = RTM_NEWROUTE}};
  message.route = (struct rtmsg){.rtm_family = family, .rtm_dst_len = prefix, .rtm_table = RT_TABLE_LOCAL,
                                 .rtm_protocol = RTPROT_BOOT, .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL};
  add_attribute(&message, RTA_DST, base, length);
  add_attribute(&message, RTA_OIF, &index, sizeof index);
  return request(fd, &message);
}

bool network_addresses(void) {
  static const uint8_t own6[16] = OWN_V6;
  static const uint8_t pool6[16] = SYNTHETIC_V6;
  uint32_t own4 = htonl(OWN_V4);
  uint32_t pool4 = htonl(SYNTHETIC_V4);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return false;
  bool good = add_address(fd, AF_INET, &own4, sizeof own4) &&
              add_local_route(fd, AF_INET, &pool4, sizeof pool4, SYNTHETIC_V4_PREFIX);
  /* A kernel without IPv6 has none to give. */
  good = good && (add_address(fd, AF_INET6, own6, sizeof own6) || errno == EOPNOTSUPP || errno == EAFNOSUPPORT || errno == EACCES);
  good = good && (add_local_route(fd, AF_INET6, pool6, sizeof pool6, SYNTHETIC_V6_PREFIX) || errno == EOPNOTSUPP ||
                  errno == EAFNOSUPPORT || errno == EACCES || errno == ENODEV);
  keep_errno(fd);
  return good;
}

bool network_make_local(int family, const void *address, size_t length) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return false;
  bool good = add_local_route(fd, (unsigned char)family, address, length, (unsigned char)(length * 8)) || errno == EEXIST;
  keep_errno(fd);
  return good;
}

static int bound(int type, uint32_t host_address, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host_address)};
  int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : keep_errno(fd);
}

int network_listen(uint32_t address, uint16_t port) {
  int fd = bound(SOCK_STREAM, address, port);
  if (fd < 0) return -1;
  return listen(fd, 512) == 0 ? fd : keep_errno(fd);
}

int network_bind(uint32_t address, uint16_t port) { return bound(SOCK_DGRAM, address, port); }

int network_socket(void) {
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd >= 0 ? fd : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

uint64_t network_cookie(void) {
  uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0) cookie = 0;
  close(fd);
  return cookie;
}
