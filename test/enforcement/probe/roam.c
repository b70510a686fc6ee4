/* Processes that do all they can to live on; one tries all the while to get where it must not. */
#define _GNU_SOURCE
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 400
#define PAUSE_NS 50000000

static int error_of(long result) { return result < 0 ? errno : 0; }

static int try_tcp(in_port_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error = error_of(file < 0 ? -1 : connect(file, (struct sockaddr *)&to, sizeof to));
  close(file);
  return error;
}
static int try_unix(const char *path) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
  int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error = error_of(file < 0 ? -1 : connect(file, (struct sockaddr *)&to, sizeof to));
  close(file);
  return error;
}
static int try_file(const char *path, int flags) {
  int file = open(path, flags | O_CLOEXEC);
  int error = error_of(file);
  if (file >= 0) close(file);
  return error;
}

/* tag port socket file pid log: a line of the log says what each attempt of a round gave, 0 when it worked. */
static long roam(char **a) {
  const char *tag = given(a[0]);
  in_port_t port = (in_port_t)number(a[1]);
  const char *path = given(a[2]);
  const char *secret = given(a[3]);
  pid_t pid = (pid_t)number(a[4]);
  const char *log = given(a[5]);
  for (int i = 0; i < 2; i++) {
    pid_t child = fork();
    if (child < 0) broken("fork");
    if (child > 0) _exit(0);
    setsid();
  }
  for (int i = 1; i < NSIG; i++) signal(i, SIG_IGN);
  for (int fd = 0; fd < 64; fd++) close(fd);
  prctl(PR_SET_NAME, tag, 0, 0, 0);
  for (int round = 0; round < ROUNDS; round++) {
    char line[128];
    int length = snprintf(line, sizeof line, "tcp %d unix %d read %d write %d kill %d\n", try_tcp(port), try_unix(path),
                          try_file(secret, O_RDONLY), try_file(secret, O_WRONLY), error_of(kill(pid, 0)));
    int file = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (write(file, line, (size_t)length) != length) _exit(2);
    close(file);
    nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
  }
  _exit(0);
}

/* log chains milliseconds: processes that live no longer than it takes to make the next, each in a session of its own, so
   that who kills what it has seen comes too late. Each writes a byte. They end by themselves. */
static long flee(char **a) {
  const char *log = given(a[0]);
  long chains = number(a[1]);
  long milliseconds = number(a[2]);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t end = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + milliseconds;
  while (chains > 0 && fork() > 0) chains--;
  if (chains == 0) _exit(0);
  int file = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  for (int fd = 0; fd < 64; fd++)
    if (fd != file) close(fd);
  do {
    if (fork() > 0) _exit(0);
    setsid();
    if (write(file, ".", 1) != 1) _exit(2);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 < end);
  _exit(0);
}

const struct entry ROAM_ACTIONS[] = {
    {"roam", roam},
    {"flee", flee},
    {0},
};
