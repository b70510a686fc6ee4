#define _GNU_SOURCE
#include "handle.h"
#include "inbox.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

bool handle_send(int channel, const char *kind, int fd) {
  char line[128];
  int length = snprintf(line, sizeof line, "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"kind\":\"%s\"}}\n", kind);
  return inbox_send_bytes(channel, line, (size_t)length, fd) == 0;
}

bool handle_discard(int channel) {
  char bytes[1024];
  for (;;) {
    ssize_t got = recv(channel, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
  }
}
