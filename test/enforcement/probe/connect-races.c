/* One thread connects or listens, another changes what the call is about. */
#define _GNU_SOURCE
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in address_of(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(port))};
  if (inet_pton(AF_INET, given(host), &address.sin_addr) != 1) broken(host);
  return address;
}

static int new_socket(int family, int type) {
  int file = socket(family, type, 0);
  if (file < 0) broken("socket");
  return file;
}

/* Closes without the wait that would use up all ports. */
static void drop(int file) {
  struct linger now = {.l_onoff = 1};
  setsockopt(file, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(file);
}

static bool is_over(const struct timespec *end) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

static atomic_bool stop;
static struct sockaddr_in allowed, nobody, forbidden;
/* What the calls are given, in shared sight of both threads. */
static struct sockaddr_in target;
static int file_number = -1;
static int others[2] = {-1, -1};

static void *rewrite(void *unused) {
  while (!stop) {
    memcpy((void *)&target, &forbidden, sizeof target);
    for (volatile int i = 0; i < 200; i++)
      ;
    memcpy((void *)&target, &allowed, sizeof target);
    for (volatile int i = 0; i < 200; i++)
      ;
  }
  return unused;
}
static void *exchange(void *unused) {
  while (!stop) {
    dup2(others[0], file_number);
    dup2(others[1], file_number);
  }
  return unused;
}
/* The number and the address at once: a Unix socket with a path, a datagram socket with an address of the host. */
static struct sockaddr_un own_path = {.sun_family = AF_UNIX, .sun_path = "raced"};
static struct sockaddr_storage either;
static void *exchange_both(void *unused) {
  while (!stop) {
    dup2(others[0], file_number);
    memcpy((void *)&either, &own_path, sizeof allowed);
    for (volatile int i = 0; i < 3000; i++)
      ;
    dup2(others[1], file_number);
    memcpy((void *)&either, &forbidden, sizeof forbidden);
    for (volatile int i = 0; i < 2000; i++)
      ;
  }
  return unused;
}
static void *close_it(void *unused) {
  while (!stop) {
    close(file_number);
    dup2(others[0], file_number);
  }
  return unused;
}

/* Where a socket got to: nowhere, to the allowed server, or to one that is not. */
enum reached { NOWHERE, ALLOWED, WRONG };
static enum reached reached(int file, in_port_t real_port) {
  struct sockaddr_storage peer = {0};
  socklen_t length = sizeof peer;
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM) {
    /* Connecting it says nothing: only the server knows whether it is outside. */
    send(file, "stray", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
    return NOWHERE;
  }
  if (getpeername(file, (struct sockaddr *)&peer, &length) < 0 || peer.ss_family != AF_INET) return NOWHERE;
  return ((struct sockaddr_in *)&peer)->sin_port == real_port ? ALLOWED : WRONG;
}

struct tally {
  long rounds, allowed, refused, wrong;
};

static void count(struct tally *tally, enum reached where) {
  tally->allowed += where == ALLOWED;
  tally->wrong += where == WRONG;
}

/* A socket of the host that is not connected: it did not wait, and nobody listened. */
static int refused_host_socket(void) {
  int file = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  struct pollfd ready = {.fd = file, .events = POLLOUT};
  int error = 0;
  socklen_t length = sizeof error;
  if (connect(file, (const struct sockaddr *)&nobody, sizeof nobody) == 0 || errno != EINPROGRESS) broken("connect");
  if (poll(&ready, 1, 5000) != 1 || getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &length) < 0) broken("poll");
  connect(file, (const struct sockaddr *)&nobody, sizeof nobody); /* tells it too: only now it may listen */
  return file;
}

static int datagram_socket(void) { return new_socket(AF_INET, SOCK_DGRAM); }

/* `rounds` times or until the time is over: the call, on an own socket or on the shared number. */
static void race_address(struct tally *tally, in_port_t real_port) {
  int file = new_socket(AF_INET, SOCK_STREAM);
  connect(file, (struct sockaddr *)&target, sizeof target);
  count(tally, reached(file, real_port));
  drop(file);
}
/* To a port that is allowed and closed, so that the host's socket stays free, or to the forbidden server; on a number that
   means now this and now that. Refused by the warden: it was the host's. */
static void race_number(struct tally *tally, in_port_t real_port) {
  const struct sockaddr_in *to = tally->rounds % 8 == 0 ? &nobody : &forbidden;
  if (connect(file_number, (const struct sockaddr *)to, sizeof *to) < 0) tally->refused += errno == EACCES;
  int held = dup(file_number); /* one file for all questions */
  if (held >= 0) {
    count(tally, reached(held, real_port));
    close(held);
  }
  count(tally, reached(others[0], real_port));
  count(tally, reached(others[1], real_port));
}
static bool listens(int file) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0;
}
static void race_listen(struct tally *tally, in_port_t real_port) {
  (void)real_port;
  if (listen(file_number, 1) < 0) tally->refused += errno == EACCES;
  tally->wrong += listens(others[1]);
}
/* The port that the host's socket has before it is bound. */
static in_port_t host_port;
/* Binds the number to a port that it must not have outside. */
static struct sockaddr_in bind_number(struct tally *tally) {
  struct sockaddr_in any = {.sin_family = AF_INET};
  struct sockaddr_in name = {0};
  socklen_t length = sizeof name;
  if (bind(file_number, (struct sockaddr *)&any, sizeof any) < 0) tally->refused += errno == EACCES;
  if (getsockname(others[1], (struct sockaddr *)&name, &length) < 0) broken("getsockname");
  return name;
}
static void race_bind(struct tally *tally, in_port_t real_port) {
  (void)real_port;
  tally->wrong += bind_number(tally).sin_port != host_port;
}
/* Where sockets of the host may listen on loopback. */
static void race_bind_outside(struct tally *tally, in_port_t real_port) {
  (void)real_port;
  struct sockaddr_in name = bind_number(tally);
  tally->wrong += name.sin_port != host_port && name.sin_addr.s_addr != htonl(INADDR_LOOPBACK);
}

/* A datagram socket with the address of the host would hear what comes from its network. */
static void race_bind_path(struct tally *tally, in_port_t real_port) {
  struct sockaddr_in name = {0};
  socklen_t length = sizeof name;
  (void)real_port;
  forbidden.sin_port = 0;
  if (bind(file_number, (struct sockaddr *)&either, sizeof forbidden) < 0) tally->refused += errno == EACCES;
  if (getsockname(others[1], (struct sockaddr *)&name, &length) < 0) broken("getsockname");
  tally->wrong += name.sin_addr.s_addr == forbidden.sin_addr.s_addr;
  unlink(own_path.sun_path);
}

static const struct {
  const char *name;
  void *(*disturb)(void *);
  void (*step)(struct tally *tally, in_port_t real_port);
  /* What else the number means: the family and type of the first, and what makes the second, if there is one. */
  int family, type;
  int (*second)(void);
} RACES[] = {
    {"address", rewrite, race_address, 0, 0, NULL},
    {"datagram", exchange, race_number, AF_INET, SOCK_DGRAM, refused_host_socket},
    {"unix", exchange, race_number, AF_UNIX, SOCK_STREAM, refused_host_socket},
    {"stream", exchange, race_number, AF_INET, SOCK_STREAM, refused_host_socket},
    {"version-6", exchange, race_number, AF_INET6, SOCK_STREAM, refused_host_socket},
    {"closed", close_it, race_number, AF_INET, SOCK_STREAM, NULL},
    {"listen", exchange, race_listen, AF_INET, SOCK_STREAM, refused_host_socket},
    {"listen-unix", exchange, race_listen, AF_UNIX, SOCK_STREAM, refused_host_socket},
    {"bind", exchange, race_bind, AF_INET, SOCK_STREAM, refused_host_socket},
    {"bind-unix", exchange, race_bind, AF_UNIX, SOCK_STREAM, refused_host_socket},
    {"bind-outside", exchange, race_bind_outside, AF_INET, SOCK_STREAM, refused_host_socket},
    {"bind-outside-unix", exchange, race_bind_outside, AF_UNIX, SOCK_STREAM, refused_host_socket},
    {"bind-path", exchange_both, race_bind_path, AF_UNIX, SOCK_STREAM, datagram_socket},
};

/* `connect-races WHICH ROUNDS SECONDS ALLOWED PORT REAL-PORT NOBODY PORT FORBIDDEN PORT`. Prints what came of it;
   works when anything got where it must not. */
static long connect_races(char **a) {
  long rounds = number(a[1]);
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += number(a[2]);
  target = allowed = address_of(a[3], a[4]);
  in_port_t real_port = htons((uint16_t)number(a[5]));
  nobody = address_of(a[6], a[7]);
  forbidden = address_of(a[8], a[9]);
  struct tally tally = {0};
  for (size_t i = 0; i < sizeof RACES / sizeof *RACES; i++) {
    if (strcmp(RACES[i].name, given(a[0])) != 0) continue;
    pthread_t thread;
    if (RACES[i].family != 0) {
      others[0] = new_socket(RACES[i].family, RACES[i].type);
      others[1] = RACES[i].second != NULL ? RACES[i].second() : -1;
      file_number = dup(others[0]);
      struct sockaddr_in name = {0};
      socklen_t length = sizeof name;
      if (getsockname(others[1], (struct sockaddr *)&name, &length) == 0) host_port = name.sin_port;
    }
    if (pthread_create(&thread, NULL, RACES[i].disturb, NULL) != 0) broken("pthread_create");
    for (; tally.rounds < rounds && !is_over(&end); tally.rounds++) RACES[i].step(&tally, real_port);
    stop = true;
    pthread_join(thread, NULL);
    printf("rounds %ld allowed %ld refused %ld wrong %ld\n", tally.rounds, tally.allowed, tally.refused, tally.wrong);
    errno = EACCES;
    return tally.wrong > 0 ? 0 : -1;
  }
  errno = EINVAL;
  broken(a[0]);
}

/* A server that only accepts. Prints its port. */
static long accept_all(char **a) {
  (void)a;
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int listener = new_socket(AF_INET, SOCK_STREAM);
  if (bind(listener, (struct sockaddr *)&name, length) < 0 || listen(listener, 4096) < 0 ||
      getsockname(listener, (struct sockaddr *)&name, &length) < 0)
    broken("listen");
  printf("%d\n", ntohs(name.sin_port));
  fflush(stdout);
  for (;;) {
    int file = accept(listener, NULL, NULL);
    if (file >= 0) drop(file);
  }
}

const struct entry CONNECT_RACE_ACTIONS[] = {{"connect-races", connect_races}, {"accept-all", accept_all}, {0}};
