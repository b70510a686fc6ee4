#define _GNU_SOURCE
#include "peer.h"
#include "control.h"
#include <netinet/in.h>
#include <sys/socket.h>

/* `u64 id, u32 port, bytes address`; port 0: no connection came of it. */
void peer_tell(const struct mediator *mediator, uint64_t id, int file) {
  struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
  socklen_t length = sizeof local;
  const struct sockaddr_in *in = (const struct sockaddr_in *)&local;
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&local;
  struct frame frame;
  if (file >= 0) getsockname(file, (struct sockaddr *)&local, &length);
  control_begin(&frame, REPORT_PEER);
  frame_u64(&frame, id);
  if (local.ss_family == AF_INET) {
    frame_u32(&frame, ntohs(in->sin_port));
    frame_bytes(&frame, &in->sin_addr, 4);
  } else if (local.ss_family == AF_INET6) {
    frame_u32(&frame, ntohs(in6->sin6_port));
    frame_bytes(&frame, &in6->sin6_addr, 16);
  } else {
    frame_u32(&frame, 0);
    frame_bytes(&frame, "", 0);
  }
  control_send(mediator->control, &frame);
}
