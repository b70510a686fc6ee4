/* Ways to reach somebody: who is there waits outside the sandbox, on loopback or under a path. */
#define _GNU_SOURCE
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 500
/* What every server of the suite says first, or answers. */
#define GREETING "GREETING-FROM-OUTSIDE"

struct address {
  struct sockaddr_storage storage;
  socklen_t length;
};

static struct address inet_address(const char *host, const char *port) {
  struct address address = {0};
  struct sockaddr_in *v4 = (struct sockaddr_in *)&address.storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.storage;
  if (inet_pton(AF_INET, given(host), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)number(port));
    address.length = sizeof *v4;
  } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)number(port));
    address.length = sizeof *v6;
  } else {
    errno = EINVAL;
    broken(host);
  }
  return address;
}

/* `@name` is an abstract name. */
static struct address unix_address(const char *path) {
  struct address address = {0};
  struct sockaddr_un *name = (struct sockaddr_un *)&address.storage;
  size_t length = strlen(given(path));
  if (length >= sizeof name->sun_path) broken(path);
  name->sun_family = AF_UNIX;
  memcpy(name->sun_path, path, length);
  if (*path == '@') name->sun_path[0] = 0;
  address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return address;
}

static int open_socket(int family, int type) {
  int file = (int)syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0);
  if (file < 0) broken("socket");
  return file;
}

/* Whether somebody outside says the greeting on it within half a second. */
static int patience_ms = WAIT_MS;
static long greeted(int file) {
  char text[512];
  struct pollfd ready = {.fd = file, .events = POLLIN};
  if (poll(&ready, 1, patience_ms) <= 0) {
    errno = ETIMEDOUT;
    return -1;
  }
  ssize_t got = recv(file, text, sizeof text, 0);
  if (got < 0) return -1;
  errno = EPROTO;
  return memmem(text, (size_t)got, GREETING, strlen(GREETING)) != NULL ? 0 : -1;
}

static long connect_to(struct address address, int flags) {
  int file = open_socket(address.storage.ss_family, SOCK_STREAM | flags);
  if (connect(file, (struct sockaddr *)&address.storage, address.length) < 0 && errno != EINPROGRESS) return -1;
  return greeted(file);
}
static long tcp(char **a) { return connect_to(inet_address(a[0], a[1]), 0); }
static long tcp_later(char **a) { return connect_to(inet_address(a[0], a[1]), SOCK_NONBLOCK); }
/* An IPv4 address written as an IPv6 one, on a socket for both. */
static long tcp_mapped(char **a) {
  char host[64];
  snprintf(host, sizeof host, "::ffff:%s", given(a[0]));
  return connect_to(inet_address(host, a[1]), 0);
}
/* A link-local address with the number of its interface. */
static long tcp_zone(char **a) {
  struct address address = inet_address(a[0], a[1]);
  ((struct sockaddr_in6 *)&address.storage)->sin6_scope_id = (uint32_t)number(a[2]);
  return connect_to(address, 0);
}
static long udp_zone(char **a) {
  struct address address = inet_address(a[0], a[1]);
  int file = open_socket(AF_INET6, SOCK_DGRAM);
  ((struct sockaddr_in6 *)&address.storage)->sin6_scope_id = (uint32_t)number(a[2]);
  return sendto(file, "x", 1, 0, (struct sockaddr *)&address.storage, address.length) < 0 ? -1 : greeted(file);
}
static long tcp_again(char **a) {
  struct address address = inet_address(a[0], a[1]);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  int file = open_socket(address.storage.ss_family, SOCK_STREAM);
  connect(file, (struct sockaddr *)&address.storage, address.length);
  connect(file, &none, sizeof none);
  if (connect(file, (struct sockaddr *)&address.storage, address.length) < 0) return -1;
  return greeted(file);
}
static long unix_stream(char **a) { return connect_to(unix_address(a[0]), 0); }
static long unix_datagram(char **a) {
  struct address address = unix_address(a[0]);
  int file = open_socket(AF_UNIX, SOCK_DGRAM);
  return sendto(file, "x", 1, 0, (struct sockaddr *)&address.storage, address.length);
}

static long udp(char **a) {
  struct address address = inet_address(a[0], a[1]);
  int file = open_socket(address.storage.ss_family, SOCK_DGRAM);
  if (sendto(file, "x", 1, 0, (struct sockaddr *)&address.storage, address.length) < 0) return -1;
  return greeted(file);
}
static long udp_connected(char **a) {
  struct address address = inet_address(a[0], a[1]);
  int file = open_socket(address.storage.ss_family, SOCK_DGRAM);
  if (connect(file, (struct sockaddr *)&address.storage, address.length) < 0 || send(file, "x", 1, 0) < 0) return -1;
  return greeted(file);
}
static long send_message(struct address *address, int file, int flags, bool many) {
  struct iovec data = {(char *)"x", 1};
  struct mmsghdr message = {.msg_hdr = {.msg_name = &address->storage, .msg_namelen = address->length, .msg_iov = &data, .msg_iovlen = 1}};
  return many ? syscall(SYS_sendmmsg, file, &message, 1, flags) : syscall(SYS_sendmsg, file, &message.msg_hdr, flags);
}
static long udp_message(char **a) {
  struct address address = inet_address(a[0], a[1]);
  int file = open_socket(address.storage.ss_family, SOCK_DGRAM);
  return send_message(&address, file, 0, false) < 0 ? -1 : greeted(file);
}
static long udp_messages(char **a) {
  struct address address = inet_address(a[0], a[1]);
  int file = open_socket(address.storage.ss_family, SOCK_DGRAM);
  return send_message(&address, file, 0, true) < 0 ? -1 : greeted(file);
}

/* Connects while it sends, by one of three calls. */
static long fast_open(char **a) {
  struct address address = inet_address(a[1], a[2]);
  int file = open_socket(address.storage.ss_family, SOCK_STREAM);
  const char *call = given(a[0]);
  long sent = strcmp(call, "sendto") == 0
                  ? syscall(SYS_sendto, file, "x", 1, MSG_FASTOPEN, &address.storage, address.length)
                  : send_message(&address, file, MSG_FASTOPEN, strcmp(call, "sendmmsg") == 0);
  return sent < 0 ? -1 : greeted(file);
}

/* A question about an address, as libraries ask it (RFC 1035): header, one question, type A. */
static size_t dns_question(unsigned char *out) {
  static const unsigned char question[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 6, 's', 'e', 'c', 'r', 'e', 't',
                                           4,    't',  'e', 's', 't', 0, 0, 1, 0, 1};
  memcpy(out, question, sizeof question);
  return sizeof question;
}
static long dns_udp(char **a) {
  unsigned char question[64];
  size_t length = dns_question(question);
  struct address address = inet_address(a[0], a[1]);
  int file = open_socket(address.storage.ss_family, SOCK_DGRAM);
  if (sendto(file, question, length, 0, (struct sockaddr *)&address.storage, address.length) < 0) return -1;
  return greeted(file);
}
static long dns_tcp(char **a) {
  unsigned char question[66] = {0};
  size_t length = dns_question(question + 2);
  struct address address = inet_address(a[0], a[1]);
  int file = open_socket(address.storage.ss_family, SOCK_STREAM);
  question[1] = (unsigned char)length;
  if (connect(file, (struct sockaddr *)&address.storage, address.length) < 0) return -1;
  if (send(file, question, length + 2, MSG_NOSIGNAL) < 0) return -1;
  return greeted(file);
}

/* Runs a program whose standard input is a socket of this network namespace: `tcp` or `udp`, and the program's words. */
static int one_of_pair(int type) {
  int pair[2];
  if (socketpair(AF_UNIX, type, 0, pair) < 0) broken("socketpair");
  return pair[0];
}
/* A connection to a listener of its own. */
static int connected_tcp(void) {
  struct address address = inet_address("127.0.0.1", "0");
  int listener = open_socket(AF_INET, SOCK_STREAM);
  int file = open_socket(AF_INET, SOCK_STREAM);
  struct sockaddr *name = (struct sockaddr *)&address.storage;
  if (listen(listener, 1) < 0 || getsockname(listener, name, &address.length) < 0) broken("listen");
  if (connect(file, name, address.length) < 0) broken("connect");
  /* Stays open in what is started: nobody hangs up. */
  if (accept(listener, NULL, NULL) < 0) broken("accept");
  return file;
}
static int open_kind(const char *kind) {
  if (strcmp(kind, "tcp") == 0) return open_socket(AF_INET, SOCK_STREAM);
  if (strcmp(kind, "udp") == 0) return open_socket(AF_INET, SOCK_DGRAM);
  if (strcmp(kind, "unix") == 0) return open_socket(AF_UNIX, SOCK_STREAM);
  if (strcmp(kind, "tcp-connected") == 0) return connected_tcp();
  if (strcmp(kind, "unix-stream-pair") == 0) return one_of_pair(SOCK_STREAM);
  if (strcmp(kind, "unix-packet-pair") == 0) return one_of_pair(SOCK_SEQPACKET);
  if (strcmp(kind, "unix-datagram-pair") == 0) return one_of_pair(SOCK_DGRAM);
  if (strcmp(kind, "path") == 0) return open("/etc/hostname", O_PATH);
  if (strcmp(kind, "epoll") == 0) return epoll_create1(0);
  if (strcmp(kind, "memfd") == 0) return memfd_create("input", 0);
  if (strcmp(kind, "terminal-master") == 0) return open("/dev/ptmx", O_RDWR | O_NOCTTY);
  errno = EINVAL;
  broken(kind);
}
/* Runs a program with a descriptor of that kind as its standard input. */
static long with_input(char **a) {
  int file = open_kind(given(a[0]));
  given(a[1]);
  if (file < 0 || dup2(file, 0) < 0) broken(a[0]);
  execv(a[1], a + 1);
  broken(a[1]);
}
static long connect_input(char **a) {
  struct address address = inet_address(a[0], a[1]);
  return connect(0, (struct sockaddr *)&address.storage, address.length);
}
static long send_input(char **a) {
  struct address address = inet_address(a[0], a[1]);
  if (sendto(0, "x", 1, 0, (struct sockaddr *)&address.storage, address.length) < 0) return -1;
  return greeted(0);
}

/* By a name of the suite or any spelling of an address that C libraries read; through the proxy when there is one. */
static long by_name(char **a) {
  struct in_addr v4;
  char request[512];
  const char *host = given(a[0]);
  if (getenv("HTTPS_PROXY") == NULL) {
    if (strcmp(host, "localhost") == 0 || strcmp(host, "allowed.test") == 0) host = "127.0.0.1";
    return connect_to(inet_address(inet_aton(host, &v4) != 0 ? inet_ntoa(v4) : host, a[1]), 0);
  }
  struct address proxy = inet_address("127.0.0.1", "3128");
  patience_ms = 10 * WAIT_MS; /* the proxy always answers, at its first use on a busy machine late */
  int file = open_socket(AF_INET, SOCK_STREAM);
  if (connect(file, (struct sockaddr *)&proxy.storage, proxy.length) < 0) broken("the proxy");
  const char *form = strchr(host, ':') == NULL ? "CONNECT %s:%s HTTP/1.1\r\nHost: %s:%s\r\n\r\n"
                                               : "CONNECT [%s]:%s HTTP/1.1\r\nHost: [%s]:%s\r\n\r\n";
  int length = snprintf(request, sizeof request, form, host, given(a[1]), host, a[1]);
  if (send(file, request, (size_t)length, MSG_NOSIGNAL) != length) broken("send");
  /* The answer to CONNECT, and then the greeting, in one piece or two. */
  if (greeted(file) == 0) return 0;
  return errno == EPROTO ? greeted(file) : -1;
}

static int shared_file;
static struct address race_target;
static volatile bool racing;
static volatile unsigned long exchanges;
/* Puts an internet socket in the place of a Unix one, again and again. */
static void *swap_sockets(void *argument) {
  (void)argument;
  int inet = open_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  int local = open_socket(AF_UNIX, SOCK_STREAM);
  while (racing) {
    dup2(inet, shared_file);
    dup2(local, shared_file);
    exchanges++;
  }
  return NULL;
}
/* A second from now, or two. */
static struct timespec soon(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  now.tv_sec += 1;
  return now;
}
/* connect(2) of a number behind which another thread changes the socket (check and use). */
static long connect_race(char **a) {
  pthread_t thread;
  race_target = inet_address(a[0], a[1]);
  shared_file = open_socket(AF_UNIX, SOCK_STREAM);
  racing = true;
  if (pthread_create(&thread, NULL, swap_sockets, NULL) != 0) broken("pthread_create");
  while (exchanges == 0) sched_yield();
  long result = -1;
  for (struct timespec end = soon(), now = {0}; result < 0 && now.tv_sec <= end.tv_sec;) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    connect(shared_file, (struct sockaddr *)&race_target.storage, race_target.length);
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (getpeername(shared_file, (struct sockaddr *)&peer, &length) == 0 && peer.ss_family == AF_INET) result = 0;
  }
  racing = false;
  pthread_join(thread, NULL);
  errno = ECONNREFUSED;
  return result;
}

/* Objects of System V and POSIX IPC that a process outside holds. */
static long shared_memory(char **a) { return shmget((key_t)number(a[0]), 0, 0); }
static long semaphore(char **a) { return semget((key_t)number(a[0]), 0, 0); }
static long message_queue(char **a) { return mq_open(given(a[0]), O_RDONLY); }
static int held_memory = -1;
static int held_semaphore = -1;
static const char *held_queue;
static void let_go(int signal_number) {
  (void)signal_number;
  shmctl(held_memory, IPC_RMID, NULL);
  semctl(held_semaphore, 0, IPC_RMID);
  mq_unlink(held_queue);
  _exit(0);
}
/* Makes all three and an abstract socket, says so, and removes them when its standard input ends. Until then it greets who
   connects, and says that as well. */
static long hold(char **a) {
  char byte;
  key_t key = (key_t)number(a[0]);
  struct address address = unix_address(a[2]);
  int listener = open_socket(AF_UNIX, SOCK_STREAM);
  held_queue = given(a[1]);
  held_memory = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
  held_semaphore = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
  signal(SIGTERM, let_go);
  if (held_memory < 0 || held_semaphore < 0 || mq_open(held_queue, O_CREAT | O_EXCL | O_RDWR, 0600, NULL) < 0 ||
      bind(listener, (struct sockaddr *)&address.storage, address.length) < 0 || listen(listener, 8) < 0) {
    perror("broken: objects of IPC");
    let_go(0);
  }
  struct pollfd wait[2] = {{.fd = 0, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
  if (puts("held") < 0 || fflush(stdout) != 0) broken("puts");
  for (;;) {
    if (poll(wait, 2, -1) < 0) continue;
    if (wait[0].revents != 0 && read(0, &byte, 1) <= 0) let_go(0);
    if (wait[1].revents == 0) continue;
    int caller = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (caller < 0) continue;
    send(caller, GREETING, strlen(GREETING), MSG_NOSIGNAL);
    close(caller);
    puts("reached");
    fflush(stdout);
  }
}

const struct entry NETWORK_ACTIONS[] = {
    {"tcp", tcp},
    {"tcp-later", tcp_later},
    {"tcp-mapped", tcp_mapped},
    {"tcp-zone", tcp_zone},
    {"udp-zone", udp_zone},
    {"tcp-again", tcp_again},
    {"unix-stream", unix_stream},
    {"unix-datagram", unix_datagram},
    {"udp", udp},
    {"udp-connected", udp_connected},
    {"udp-message", udp_message},
    {"udp-messages", udp_messages},
    {"fast-open", fast_open},
    {"dns-udp", dns_udp},
    {"dns-tcp", dns_tcp},
    {"by-name", by_name},
    {"with-input", with_input},
    {"connect-input", connect_input},
    {"send-input", send_input},
    {"connect-race", connect_race},
    {"shared-memory", shared_memory},
    {"semaphore", semaphore},
    {"message-queue", message_queue},
    {"hold", hold},
    {0},
};
