/* Hands listening sockets to the Node process that started it, with the launcher's own framing. The channel is
   descriptor 4, as in the launcher. `$1`: how many. Ends when the other side does. */
#define _GNU_SOURCE
#include "handle.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANNEL 4

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0) exit(3);
  return fd;
}

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 0; i < count; i++) {
    int fd = listen_on_loopback();
    if (!handle_send(CHANNEL, "proxy", fd)) return 4;
    close(fd);
  }
  struct pollfd wait = {.fd = CHANNEL, .events = POLLIN};
  while (poll(&wait, 1, 10000) > 0)
    if (!handle_discard(CHANNEL)) return 0;
  return 5;
}
