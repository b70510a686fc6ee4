/* A client and a server that cost as little as they can, to measure what a connection costs.
   `connects serve`: prints its port; answers each connection's first bytes and closes, or sends 512 MiB to who asks for `bulk`.
   `connects client HOST PORT COUNT SPARE FIRST`: with SPARE further descriptors open. Prints JSON: microseconds of a connect to a
   destination for the first time (`first50`, `first99`: ports from FIRST on, or PORT again where it is 0) and of the next ones
   (`p50`, `p99`), connections with one request per second (`rate`), and MB/s of one connection (`throughput`). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BULK_BYTES (512ull << 20)
#define FIRSTS 200
#define WARM_UP 20
#define REQUEST "GET / HTTP/1.0\r\n\r\n"

static char block[1 << 20];

static _Noreturn void stop(const char *what) {
  perror(what);
  exit(1);
}

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void answer(int peer) {
  ssize_t got = read(peer, block, sizeof block);
  if (got > 0 && block[0] == 'b') {
    for (size_t left = BULK_BYTES; left > 0;) {
      ssize_t sent = write(peer, block, left < sizeof block ? left : sizeof block);
      if (sent <= 0) break;
      left -= (size_t)sent;
    }
  } else if (got > 0 && write(peer, "HTTP/1.0 200 OK\r\n\r\nhello", 24) < 0) {
    perror("write");
  }
  close(peer);
}

static int serve(void) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&name, length) < 0 || listen(listener, 4096) < 0 ||
      getsockname(listener, (struct sockaddr *)&name, &length) < 0)
    stop("listen");
  printf("%d\n", ntohs(name.sin_port));
  fflush(stdout);
  signal(SIGPIPE, SIG_IGN);
  for (;;) {
    int peer = accept(listener, NULL, NULL);
    if (peer >= 0) answer(peer);
  }
}

static struct sockaddr_in server;

/* Connects, and says how many microseconds that took. */
static int connected(double *took) {
  int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) stop("socket");
  double began = now_us();
  if (connect(file, (const struct sockaddr *)&server, sizeof server) < 0) stop("connect");
  *took = now_us() - began;
  return file;
}

/* One request on a connection of its own; returns the bytes of the answer. */
static size_t ask(const char *what, double *took) {
  int file = connected(took);
  size_t bytes = 0;
  ssize_t got;
  if (write(file, what, strlen(what)) < 0) stop("write");
  while ((got = read(file, block, sizeof block)) > 0) bytes += (size_t)got;
  if (got < 0) stop("read");
  close(file);
  return bytes;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static double at(double *times, int count, double part) {
  qsort(times, (size_t)count, sizeof *times, compare);
  return times[(int)(count * part)];
}

static int client(char **argv) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  struct rlimit files;
  int count = atoi(argv[2]);
  int first = atoi(argv[4]);
  double unused;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (int i = atoi(argv[3]); i > 0; i--)
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) stop("open");
  if (getaddrinfo(argv[0], argv[1], &hints, &found) != 0) stop(argv[0]);
  memcpy(&server, found->ai_addr, sizeof server);
  double *times = calloc((size_t)count, sizeof *times);
  if (times == NULL || count < 1) stop("calloc");
  const in_port_t port = server.sin_port;
  double firsts[FIRSTS];
  for (int i = 0; i < WARM_UP; i++) ask(REQUEST, &unused);
  for (int i = 0; i < FIRSTS; i++) {
    if (first != 0) server.sin_port = htons((in_port_t)(first + i));
    ask(REQUEST, &firsts[i]);
  }
  server.sin_port = port;
  double began = now_us();
  for (int i = 0; i < count; i++) ask(REQUEST, &times[i]);
  double rate = count / (now_us() - began) * 1e6;
  began = now_us();
  size_t bytes = ask("bulk", &unused);
  double throughput = (double)bytes / (now_us() - began);
  printf("{\"first50\": %.1f, \"first99\": %.1f, \"p50\": %.1f, \"p99\": %.1f, \"rate\": %.1f, \"throughput\": %.1f}\n",
         at(firsts, FIRSTS, 0.5), at(firsts, FIRSTS, 0.99), at(times, count, 0.5), at(times, count, 0.99), rate, throughput);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 7 && strcmp(argv[1], "client") == 0) return client(argv + 2);
  fprintf(stderr, "usage: connects serve | connects client HOST PORT COUNT SPARE FIRST\n");
  return 2;
}
