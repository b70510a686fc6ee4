#define _GNU_SOURCE
#include "inbox.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int inbox_send_bytes(int socket, const void *bytes, size_t length, int fd) {
  struct iovec data = {(void *)(uintptr_t)bytes, length};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {{0}};
  struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
  if (fd >= 0) {
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(part), &fd, sizeof fd);
  }
  ssize_t sent;
  /* Without a descriptor by the call that no filter of ours has anybody asked about. */
  do sent = fd >= 0 ? sendmsg(socket, &header, MSG_NOSIGNAL) : send(socket, bytes, length, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)length ? 0 : -1;
}

/* Returns what recvmsg(2) does. */
static ssize_t receive_bytes(int socket, void *bytes, size_t size, int *fd, pid_t *sender) {
  struct iovec data = {bytes, size};
  union {
    char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
  } control;
  struct msghdr header = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  if (fd != NULL) *fd = -1;
  if (sender != NULL) *sender = 0;
  ssize_t got;
  do got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0) return -1;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part != NULL; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_RIGHTS) {
      int received;
      memcpy(&received, CMSG_DATA(part), sizeof received);
      if (fd != NULL && *fd < 0) *fd = received;
      else close(received);
    } else if (part->cmsg_type == SCM_CREDENTIALS && sender != NULL) {
      struct ucred credentials;
      memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
      *sender = credentials.pid;
    }
  }
  return got;
}

int inbox_send(int socket, struct inbox_message message, int fd) { return inbox_send_bytes(socket, &message, sizeof message, fd); }

int inbox_receive(int socket, struct inbox_message *message, int *fd, pid_t *sender) {
  ssize_t got = receive_bytes(socket, message, sizeof *message, fd, sender);
  if (got <= 0) return (int)got;
  if (got == (ssize_t)sizeof *message) return 1;
  errno = EPROTO;
  return -1;
}

ssize_t inbox_receive_bytes(int socket, void *bytes, size_t size, int *fd) { return receive_bytes(socket, bytes, size, fd, NULL); }
