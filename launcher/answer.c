#define _GNU_SOURCE
#include "answer.h"
#include "sys.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Kernel-internal, understood by a notified call alone: EINTR or a restart. */
#define ERESTARTSYS_VALUE 512

static struct seccomp_notif_sizes sizes;
static struct seccomp_notif *request;
static struct seccomp_notif_resp *response;

bool answer_start(void) {
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0) return false;
  size_t request_size = sizes.seccomp_notif > sizeof *request ? sizes.seccomp_notif : sizeof *request;
  size_t response_size = sizes.seccomp_notif_resp > sizeof *response ? sizes.seccomp_notif_resp : sizeof *response;
  request = calloc(1, request_size);
  response = calloc(1, response_size);
  return request != NULL && response != NULL;
}

struct seccomp_notif *answer_receive(int listener) {
  memset(request, 0, sizes.seccomp_notif);
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request) < 0 ? NULL : request;
}

bool answer_wanted(int listener, uint64_t id) { return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

static bool send(int listener, uint64_t id, int error, uint32_t flags) {
  memset(response, 0, sizes.seccomp_notif_resp);
  response->id = id;
  response->error = error;
  response->flags = flags;
  int sent;
  while ((sent = ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response)) < 0 && errno == EINTR) {}
  return sent == 0;
}

bool answer_error(int listener, uint64_t id, int error) { return send(listener, id, -error, 0); }

void answer_value(int listener, uint64_t id, int64_t value) {
  memset(response, 0, sizes.seccomp_notif_resp);
  response->id = id;
  response->val = value;
  while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0 && errno == EINTR) {}
}

int answer_descriptor(int listener, uint64_t id, int file, int number, int flags) {
  struct seccomp_notif_addfd add = {.id = id,
                                    .flags = SECCOMP_ADDFD_FLAG_SEND | (number == 0 ? 0 : SECCOMP_ADDFD_FLAG_SETFD),
                                    .srcfd = (uint32_t)file,
                                    .newfd = (uint32_t)number,
                                    .newfd_flags = (uint32_t)flags};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0) return 0;
  if (errno != EINVAL) return errno;
  /* Before Linux 5.14 in two steps. */
  add.flags &= ~(uint32_t)SECCOMP_ADDFD_FLAG_SEND;
  int given = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
  if (given < 0) return errno;
  answer_value(listener, id, given);
  return 0;
}

void answer_interrupt(int listener, uint64_t id) { send(listener, id, -ERESTARTSYS_VALUE, 0); }
void answer_go_on(int listener, uint64_t id) { send(listener, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }
