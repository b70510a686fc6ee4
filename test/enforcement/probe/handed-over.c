/* What can be made of a socket that was handed over at connect: it belongs to the host's network namespace, where a
   server waits that nobody may reach. */
#define _GNU_SOURCE
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 5000
/* A setting that kernel headers may not name. */
#define OPTION_FASTOPEN_CONNECT 30
#define OPTION_FASTOPEN_KEY 33
#define OPTION_ULP 31
#define OPTION_BIND_TO_INDEX 62
#define IOCTL_NAMESPACE_OF_SOCKET 0x894C

struct address {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } name;
  socklen_t length;
};

static struct address address_of(const char *host, const char *port) {
  struct address address = {0};
  if (inet_pton(AF_INET, given(host), &address.name.v4.sin_addr) == 1) {
    address.name.v4.sin_family = AF_INET;
    address.name.v4.sin_port = htons((uint16_t)number(port));
    address.length = sizeof address.name.v4;
  } else if (inet_pton(AF_INET6, host, &address.name.v6.sin6_addr) == 1) {
    address.name.v6.sin6_family = AF_INET6;
    address.name.v6.sin6_port = htons((uint16_t)number(port));
    address.length = sizeof address.name.v6;
  } else {
    errno = EINVAL;
    broken(host);
  }
  return address;
}

/* How a program comes by such a socket: `open`, connected; `over`, after both sides ended it; `refused`, never connected,
   because it did not wait and nobody listens there. */
static int handed_over(const char *state, const struct address *allowed) {
  char text[64];
  bool later = strcmp(given(state), "refused") == 0;
  int file = socket(allowed->name.any.sa_family, SOCK_STREAM | (later ? SOCK_NONBLOCK : 0), 0);
  struct pollfd ready = {.fd = file, .events = later ? POLLOUT : POLLIN};
  if (file < 0) broken("socket");
  int result = connect(file, &allowed->name.any, allowed->length);
  if (later ? result == 0 || errno != EINPROGRESS : result < 0) broken("connect");
  if (poll(&ready, 1, WAIT_MS) != 1) broken("poll");
  if (later) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error != ECONNREFUSED) broken("SO_ERROR");
    connect(file, &allowed->name.any, allowed->length); /* tells it too: only now it may listen */
  } else if (recv(file, text, sizeof text, 0) <= 0) {
    broken("recv");
  }
  if (strcmp(state, "over") == 0) {
    shutdown(file, SHUT_RDWR);
    while (recv(file, text, sizeof text, 0) > 0)
      ;
  }
  return file;
}

/* Each gets the socket and the address that it must not reach. */
typedef long attempt(int file, const struct address *bad);

static long reconnect(int file, const struct address *bad) { return connect(file, &bad->name.any, bad->length); }
/* AF_UNSPEC in the lengths that kernels take. */
static long disconnect(int file, const struct address *bad) {
  static const socklen_t lengths[] = {2, 16, 28, 128};
  char none[128] = {0};
  long result = -1;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    if (connect(file, (struct sockaddr *)none, lengths[i]) == 0) result = 0;
  int saved = errno;
  reconnect(file, bad);
  listen(file, 1);
  sendto(file, "x", 1, MSG_NOSIGNAL, &bad->name.any, bad->length);
  errno = saved;
  return result;
}
/* The address of the server, in a family field that says nothing. */
static long unspecified(int file, const struct address *bad) {
  struct address address = *bad;
  address.name.any.sa_family = AF_UNSPEC;
  return connect(file, &address.name.any, address.length);
}
static long bind_any(int file, const struct address *bad) {
  struct address any = *bad;
  memset(&any.name, 0, sizeof any.name);
  any.name.any.sa_family = bad->name.any.sa_family;
  return bind(file, &any.name.any, any.length);
}
static long listen_on(int file, const struct address *bad) {
  (void)bad;
  return listen(file, 8);
}
static long accept_on(int file, const struct address *bad) {
  (void)bad;
  return accept4(file, NULL, NULL, SOCK_NONBLOCK);
}
static long message(int file, const struct address *bad, int flags, long call, void *control, size_t length) {
  struct iovec data = {(char *)"stray", 5};
  struct mmsghdr header = {.msg_hdr = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = length}};
  if (bad != NULL) {
    header.msg_hdr.msg_name = (void *)(uintptr_t)&bad->name;
    header.msg_hdr.msg_namelen = bad->length;
  }
  flags |= MSG_NOSIGNAL;
  return call == SYS_sendmmsg ? syscall(call, file, &header, 1, flags) : syscall(call, file, &header.msg_hdr, flags);
}
static long send_to(int file, const struct address *bad) {
  return sendto(file, "stray", 5, MSG_NOSIGNAL, &bad->name.any, bad->length);
}
static long send_message(int file, const struct address *bad) { return message(file, bad, 0, SYS_sendmsg, NULL, 0); }
static long send_messages(int file, const struct address *bad) { return message(file, bad, 0, SYS_sendmmsg, NULL, 0); }
static long fast_open(int file, const struct address *bad) {
  return sendto(file, "stray", 5, MSG_FASTOPEN | MSG_NOSIGNAL, &bad->name.any, bad->length);
}
static long fast_open_message(int file, const struct address *bad) {
  return message(file, bad, MSG_FASTOPEN, SYS_sendmsg, NULL, 0);
}
static long fast_open_messages(int file, const struct address *bad) {
  return message(file, bad, MSG_FASTOPEN, SYS_sendmmsg, NULL, 0);
}

/* A socket option of one number. */
static long set(int file, int level, int name, int value) { return setsockopt(file, level, name, &value, sizeof value); }
#define SETTING(function, level, name, value)                                                                                    \
  static long function(int file, const struct address *bad) {                                                                    \
    (void)bad;                                                                                                                   \
    return set(file, level, name, value);                                                                                        \
  }
SETTING(set_mark, SOL_SOCKET, SO_MARK, 1)
SETTING(set_index, SOL_SOCKET, OPTION_BIND_TO_INDEX, 1)
SETTING(set_dont_route, SOL_SOCKET, SO_DONTROUTE, 1)
SETTING(set_fast_open_connect, IPPROTO_TCP, OPTION_FASTOPEN_CONNECT, 1)
SETTING(set_repair, IPPROTO_TCP, TCP_REPAIR, 1)
SETTING(set_transparent, IPPROTO_IP, IP_TRANSPARENT, 1)
SETTING(set_free_bind, IPPROTO_IP, IP_FREEBIND, 1)
SETTING(set_interface, IPPROTO_IP, IP_UNICAST_IF, 0x01000000)
static long set_device(int file, const struct address *bad) {
  (void)bad;
  return setsockopt(file, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
}
static long set_protocol(int file, const struct address *bad) {
  (void)bad;
  return setsockopt(file, IPPROTO_TCP, OPTION_ULP, "tls", 4);
}
static long set_key(int file, const struct address *bad) {
  (void)bad;
  return setsockopt(file, IPPROTO_TCP, OPTION_FASTOPEN_KEY, "0123456789abcdef", 16);
}
/* A loose and a strict source route by way of the server. */
static long set_source_route(int file, const struct address *bad) {
  uint8_t option[8] = {131, 7, 4, 127, 0, 0, 1, 1};
  if (bad->name.any.sa_family == AF_INET) memcpy(option + 3, &bad->name.v4.sin_addr, 4);
  if (setsockopt(file, IPPROTO_IP, IP_OPTIONS, option, sizeof option) == 0) return 0;
  option[0] = 137;
  return setsockopt(file, IPPROTO_IP, IP_OPTIONS, option, sizeof option);
}
static void make_routing_header(uint8_t header[24], uint8_t type) {
  memset(header, 0, 24);
  header[1] = 2;
  header[2] = type;
  header[3] = type == 4 ? 0 : 1;
  header[23] = 1;
}
static long set_routing_header(int file, const struct address *bad) {
  static const uint8_t types[] = {0, 2, 4};
  (void)bad;
  uint8_t header[24];
  for (size_t i = 0; i < sizeof types; i++) {
    make_routing_header(header, types[i]);
    if (setsockopt(file, IPPROTO_IPV6, IPV6_RTHDR, header, sizeof header) == 0) return 0;
  }
  return -1;
}
/* The options of RFC 2292 carry a routing header too. */
static long set_packet_options(int file, const struct address *bad) {
  (void)bad;
  char space[CMSG_SPACE(24)] = {0};
  struct cmsghdr *header = (struct cmsghdr *)space;
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(24), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_RTHDR};
  make_routing_header(CMSG_DATA(header), 4);
  return setsockopt(file, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, space, sizeof space);
}
/* Another family for the socket, which the filter and the warden may not think of. */
static long set_family(int file, const struct address *bad) {
  (void)bad;
  return set(file, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET);
}
static long attach_program(int file, const struct address *bad) {
  (void)bad;
  return set(file, SOL_SOCKET, SO_ATTACH_BPF, 0);
}

/* Control data: a routing header, and the interface and source address that the next packet takes. TCP has no use for
   any, so the server is who tells whether something arrived. */
static long control_data(int file, const struct address *bad) {
  char space[CMSG_SPACE(24)] = {0};
  struct cmsghdr *header = (struct cmsghdr *)space;
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(24), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_RTHDR};
  make_routing_header(CMSG_DATA(header), 4);
  message(file, bad, 0, SYS_sendmsg, space, sizeof space);
  struct in_pktinfo info = {.ipi_ifindex = 1};
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
  memcpy(CMSG_DATA(header), &info, sizeof info);
  return message(file, bad, 0, SYS_sendmsg, space, CMSG_SPACE(sizeof info));
}

/* A descriptor for the network namespace that the socket is of. */
static long name_space(int file, const struct address *bad) {
  (void)bad;
  return ioctl(file, IOCTL_NAMESPACE_OF_SOCKET);
}
/* Whether it tells of an interface that a socket of the sandbox does not: by number, by list, by hardware address. */
static long interfaces(int file, const struct address *bad) {
  (void)bad;
  int own = socket(AF_INET, SOCK_DGRAM, 0);
  if (own < 0) broken("socket");
  for (int index = 1; index <= 64; index++) {
    struct ifreq theirs = {.ifr_ifindex = index};
    struct ifreq ours = {.ifr_ifindex = index};
    if (ioctl(file, SIOCGIFNAME, &theirs) < 0) continue;
    if (ioctl(own, SIOCGIFNAME, &ours) < 0 || strcmp(ours.ifr_name, theirs.ifr_name) != 0) return 0;
    if (ioctl(file, SIOCGIFHWADDR, &theirs) == 0 && theirs.ifr_hwaddr.sa_family == 1 /* ARPHRD_ETHER */) return 0;
  }
  struct ifreq theirs[32] = {0};
  struct ifreq ours[32] = {0};
  struct ifconf their_list = {.ifc_len = sizeof theirs, .ifc_req = theirs};
  struct ifconf our_list = {.ifc_len = sizeof ours, .ifc_req = ours};
  if (ioctl(own, SIOCGIFCONF, &our_list) < 0) broken("SIOCGIFCONF");
  if (ioctl(file, SIOCGIFCONF, &their_list) < 0) return -1;
  errno = EACCES;
  return their_list.ifc_len == our_list.ifc_len && memcmp(theirs, ours, (size_t)our_list.ifc_len) == 0 ? -1 : 0;
}
static long reopen(int file, const struct address *bad) {
  char path[32];
  (void)bad;
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
}

/* All of it once more by a process that was only sent the descriptor, and has a table of its own. */
static long by_another(int file, const struct address *bad) {
  int pair[2];
  char space[CMSG_SPACE(sizeof file)] = {0};
  char byte = 'x';
  struct iovec data = {&byte, 1};
  struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) broken("socketpair");
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (child == 0) {
    int received = -1;
    if (recvmsg(pair[1], &header, 0) < 0 || CMSG_FIRSTHDR(&header) == NULL) _exit(2);
    memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof received);
    int worked = (reconnect(received, bad) == 0 || listen_on(received, bad) == 0 || bind_any(received, bad) == 0) ? 0 : errno;
    disconnect(received, bad);
    _exit(worked == 0 ? 0 : worked);
  }
  struct cmsghdr *control = CMSG_FIRSTHDR(&header);
  *control = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof file), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(control), &file, sizeof file);
  if (sendmsg(pair[0], &header, 0) < 0) broken("sendmsg");
  close(file);
  int status = 0;
  waitpid(child, &status, 0);
  errno = WEXITSTATUS(status);
  return errno == 0 ? 0 : -1;
}

/* The calls of other ABIs, which have numbers and structures of their own. */
#ifdef __x86_64__
static long x32_connect(int file, const struct address *bad) {
  return syscall(0x40000000 | SYS_connect, file, &bad->name, bad->length);
}
static long old_call(long call, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(call), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
  if (result >= 0) return result;
  errno = (int)-result;
  return -1;
}
static long i386_connect(int file, const struct address *bad) {
  struct address *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) broken("mmap");
  *low = *bad;
  uint32_t *arguments = (uint32_t *)(low + 1);
  arguments[0] = (uint32_t)file;
  arguments[1] = (uint32_t)(uintptr_t)low;
  arguments[2] = low->length;
  if (old_call(102 /* socketcall */, 3 /* SYS_CONNECT */, (long)(uintptr_t)arguments, 0) == 0) return 0;
  return old_call(362 /* connect */, file, (long)(uintptr_t)low, low->length);
}
#else
static long x32_connect(int file, const struct address *bad) {
  (void)file, (void)bad;
  return no_such_call();
}
#define i386_connect x32_connect
#endif

static const struct {
  const char *name;
  attempt *run;
} ATTEMPTS[] = {
    {"reconnect", reconnect},
    {"disconnect", disconnect},
    {"unspecified", unspecified},
    {"bind", bind_any},
    {"listen", listen_on},
    {"accept", accept_on},
    {"sendto", send_to},
    {"sendmsg", send_message},
    {"sendmmsg", send_messages},
    {"fast-open-sendto", fast_open},
    {"fast-open-sendmsg", fast_open_message},
    {"fast-open-sendmmsg", fast_open_messages},
    {"mark", set_mark},
    {"device", set_device},
    {"device-index", set_index},
    {"dont-route", set_dont_route},
    {"fast-open-connect", set_fast_open_connect},
    {"fast-open-key", set_key},
    {"repair", set_repair},
    {"protocol", set_protocol},
    {"transparent", set_transparent},
    {"free-bind", set_free_bind},
    {"interface", set_interface},
    {"source-route", set_source_route},
    {"routing-header", set_routing_header},
    {"packet-options", set_packet_options},
    {"family", set_family},
    {"program", attach_program},
    {"control-data", control_data},
    {"name-space", name_space},
    {"interfaces", interfaces},
    {"reopen", reopen},
    {"by-another", by_another},
    {"x32", x32_connect},
    {"i386", i386_connect},
};

/* `handed-over STATE ATTEMPT ALLOWED PORT FORBIDDEN PORT`: then everything that the attempt may have opened the way for. */
static long on_handed_over(char **a) {
  struct address allowed = address_of(a[2], a[3]);
  struct address bad = address_of(a[4], a[5]);
  int file = handed_over(a[0], &allowed);
  for (size_t i = 0; i < sizeof ATTEMPTS / sizeof *ATTEMPTS; i++) {
    if (strcmp(ATTEMPTS[i].name, given(a[1])) != 0) continue;
    long result = ATTEMPTS[i].run(file, &bad);
    int saved = errno;
    reconnect(file, &bad);
    send_to(file, &bad);
    errno = saved;
    return result;
  }
  errno = EINVAL;
  broken(a[1]);
}

const struct entry HANDED_OVER_ACTIONS[] = {{"handed-over", on_handed_over}, {0}};
