#define _GNU_SOURCE
#include "sockets.h"
#include "answer.h"
#include "clock.h"
#include "denials.h"
#include "sys.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

int socket_option(int file, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(file, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

uint16_t socket_port(int file) {
  struct sockaddr_in6 local = {.sin6_port = 0};
  socklen_t length = sizeof local;
  if (getsockname(file, (struct sockaddr *)&local, &length) < 0) return 0;
  return ntohs(local.sin6_port); /* at the same place for both families */
}

int64_t socket_deadline(int file, int option) {
  struct timeval limit = {0};
  socklen_t length = sizeof limit;
  if (getsockopt(file, SOL_SOCKET, option, &limit, &length) < 0 || (limit.tv_sec == 0 && limit.tv_usec == 0)) return INT64_MAX;
  return now_ms() + (int64_t)limit.tv_sec * 1000 + limit.tv_usec / 1000;
}

uint64_t socket_inode(int directory, const char *name) {
  static const char start[] = "socket:[";
  char text[64];
  ssize_t length = readlinkat(directory, name, text, sizeof text - 1);
  if (length < 0) return 0;
  text[length] = 0;
  errno = ENOTSOCK;
  if (strncmp(text, start, sizeof start - 1) != 0) return 0;
  return strtoull(text + sizeof start - 1, NULL, 10);
}

bool is_inner(const struct mediator *mediator, int file) {
  uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  if (mediator->cookie == 0) return true;
  return getsockopt(file, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0 && cookie == mediator->cookie;
}

bool socket_is_connected(int file) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  return getpeername(file, (struct sockaddr *)&peer, &length) == 0;
}

int file_of_call(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  int file = caller_file(caller, (int)call->data.args[0]);
  if (file < 0 && (errno == EACCES || errno == EPERM)) denials_unobservable(mediator, caller, call);
  else if (file < 0) answer_error(mediator->listener, call->id, EBADF);
  return file;
}
