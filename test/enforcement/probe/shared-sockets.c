/* What becomes of sockets that the warden and the program hold both, and that are of the network that the host's servers use. */
#define _GNU_SOURCE
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static atomic_bool stop;
static int shared;

static void *change_flag(void *unused) {
  while (!stop) {
    fcntl(shared, F_SETFL, O_RDWR);
    for (volatile int i = 0; i < 50; i++)
      ;
    fcntl(shared, F_SETFL, O_RDWR | O_NONBLOCK);
    for (volatile int i = 0; i < 50; i++)
      ;
  }
  return unused;
}

/* `wait-elsewhere ROUNDS PATH`: whoever connects for a program could be made to wait, at a listener whose queue is full, by a
   thread that changes O_NONBLOCK all the time. Ends only if each call is answered. */
static void wake(int unused) { (void)unused; }

static long wait_elsewhere(char **a) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  pthread_t thread;
  strncpy(name.sun_path, given(a[1]), sizeof name.sun_path - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  int first = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  shared = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 0) < 0 ||
      connect(first, (struct sockaddr *)&name, sizeof name) < 0 || pthread_create(&thread, NULL, change_flag, NULL) != 0)
    broken("a full queue");
  struct sigaction on_alarm = {.sa_handler = wake};
  sigaction(SIGALRM, &on_alarm, NULL);
  long rounds = number(a[0]);
  for (long i = 0; i < rounds; i++) {
    /* Where the flag is off the call waits, as it may: somebody has to end that. */
    struct itimerval soon = {.it_value.tv_usec = 2000};
    setitimer(ITIMER_REAL, &soon, NULL);
    if (connect(shared, (struct sockaddr *)&name, sizeof name) == 0) broken("connect");
  }
  stop = true;
  pthread_join(thread, NULL);
  printf("rounds %ld\n", rounds);
  errno = EAGAIN;
  return -1;
}

/* A server that others of its user may listen beside, and that says a byte to everybody. Prints its port. */
static long greet_all(char **a) {
  (void)a;
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int on = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 || bind(listener, (struct sockaddr *)&name, length) < 0 ||
      listen(listener, 64) < 0 || getsockname(listener, (struct sockaddr *)&name, &length) < 0)
    broken("listen");
  printf("%d\n", ntohs(name.sin_port));
  fflush(stdout);
  for (;;) {
    int file = accept(listener, NULL, NULL);
    if (file >= 0) send(file, "!", 1, MSG_NOSIGNAL);
    if (file >= 0) close(file);
  }
}

/* `share-port PORT`: listens beside a server of the same user, and connects until that one answers. */
static long share_port(char **a) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(a[0])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval soon = {.tv_usec = 200000};
  int on = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) return -1;
  if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 64) < 0) return -1;
  for (int i = 0; i < 40; i++) {
    char byte;
    int file = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    if (connect(file, (struct sockaddr *)&name, sizeof name) < 0) return -1;
    if (recv(file, &byte, 1, 0) == 1) return 0;
    close(file);
  }
  errno = ECONNREFUSED;
  return -1;
}

/* `many-sockets COUNT`, one after the other: works when each can be made, and the last be bound. */
static long many_sockets(char **a) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  for (long left = number(a[0]); left > 0; left--) {
    int file = socket(AF_INET, SOCK_STREAM, 0);
    if (file < 0 || (left == 1 && bind(file, (struct sockaddr *)&name, sizeof name) < 0)) return -1;
    close(file);
  }
  return 0;
}

/* `join-group FAMILY ADDRESS` */
static long join_group(char **a) {
  int family = (int)number(a[0]);
  struct ip_mreqn four = {.imr_address.s_addr = htonl(INADDR_LOOPBACK)};
  struct ipv6_mreq six = {.ipv6mr_interface = 1}; /* lo: what is tried here stays on this machine */
  int file = socket(family, SOCK_DGRAM, 0);
  if (file < 0 || inet_pton(family, given(a[1]), family == AF_INET ? (void *)&four.imr_multiaddr : &six.ipv6mr_multiaddr) != 1)
    broken("a group");
  if (family == AF_INET) return setsockopt(file, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof four);
  return setsockopt(file, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof six);
}

const struct entry SHARED_SOCKET_ACTIONS[] = {
    {"wait-elsewhere", wait_elsewhere}, {"greet-all", greet_all}, {"share-port", share_port}, {"many-sockets", many_sockets}, {"join-group", join_group}, {0}};
