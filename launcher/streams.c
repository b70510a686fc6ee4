#define _GNU_SOURCE
#include "streams.h"
#include "sys.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int socket_option(int fd, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

/* A stream that leads to one peer and can lead to no other one. 0, or what is wrong. */
static int socket_problem(int fd) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  int domain = socket_option(fd, SO_DOMAIN);
  int type = socket_option(fd, SO_TYPE);
  int protocol = socket_option(fd, SO_PROTOCOL);
  bool tcp = type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
  bool passed = domain == AF_UNIX ? type == SOCK_STREAM || type == SOCK_SEQPACKET
                                  : (domain == AF_INET || domain == AF_INET6) && tcp;
  if (!passed) return EPROTOTYPE;
  return getpeername(fd, (struct sockaddr *)&peer, &length) < 0 ? ENOTCONN : 0;
}

/* Directories and O_PATH lead on to other files, and what has no type (epoll, pidfd) to other objects of the host. */
static int kind_problem(int fd, int flags) {
  struct stat st;
  if (flags & O_PATH) return EBADF;
  if (fstat(fd, &st) < 0) return errno;
  if (S_ISSOCK(st.st_mode)) return socket_problem(fd);
  if (S_ISDIR(st.st_mode)) return EISDIR;
  return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? 0 : EINVAL;
}

/* Shells give one descriptor for reading and writing as all three: through the output a program could read what is
   typed. Opened anew, it has one direction. 0, or what is wrong. */
static int narrow_terminal(int fd, int flags) {
  int direction = fd == STDIN_FILENO ? O_RDONLY : O_WRONLY;
  char path[32];
  unsigned given;
  unsigned opened;
  if ((flags & O_ACCMODE) == direction) return 0;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  /* Without O_NONBLOCK a serial line waits for its carrier. */
  int again = open(path, direction | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (again < 0) return errno;
  int problem = 0;
  /* The controlling side of a pseudo terminal opens as another terminal. */
  if (ioctl(fd, TIOCGDEV, &given) < 0 || ioctl(again, TIOCGDEV, &opened) < 0 || given != opened) problem = ENXIO;
  else if (fcntl(again, F_SETFL, 0) < 0 || dup2(again, fd) < 0) problem = errno;
  close(again);
  return problem;
}

bool streams_take(struct failure *failure) {
  for (int fd = 0; fd <= 2; fd++) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) continue; /* closed: nothing is passed */
    errno = kind_problem(fd, flags);
    if (errno != 0) return fail(failure, STEP_STREAM, (uint64_t)fd);
    if (!isatty(fd)) continue;
    errno = narrow_terminal(fd, flags);
    if (errno != 0) return fail(failure, STEP_STREAM_TERMINAL, (uint64_t)fd);
  }
  return true;
}
