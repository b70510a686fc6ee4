#define _GNU_SOURCE
#include "mediate.h"
#include "caller.h"
#include "denials.h"
#include "sys.h"
#include "waiting.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Kernel-internal, understood by a notified call alone: EINTR or a restart, as the signal's action says. */
#define ERESTARTSYS_VALUE 512

static struct seccomp_notif_sizes sizes;
static struct seccomp_notif *request;
static struct seccomp_notif_resp *response;

bool mediate_start(struct mediator *mediator) {
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0) return false;
  size_t request_size = sizes.seccomp_notif > sizeof *request ? sizes.seccomp_notif : sizeof *request;
  size_t response_size = sizes.seccomp_notif_resp > sizeof *response ? sizes.seccomp_notif_resp : sizeof *response;
  request = calloc(1, request_size);
  response = calloc(1, response_size);
  if (request == NULL || response == NULL) return false;
  /* The caller sleeps until we answer: let the scheduler switch at once (Linux 6.6; slower without). */
  ioctl(mediator->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYS_NOTIF_SYNC_WAKE_UP);
  return true;
}

bool mediate_valid(const struct mediator *mediator, uint64_t id) {
  return ioctl(mediator->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static void answer(const struct mediator *mediator, uint64_t id, int64_t value, int error, uint32_t flags) {
  memset(response, 0, sizes.seccomp_notif_resp);
  response->id = id;
  response->val = value;
  response->error = error;
  response->flags = flags;
  while (ioctl(mediator->listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0 && errno == EINTR) {}
}

void mediate_answer(const struct mediator *mediator, uint64_t id, int error) { answer(mediator, id, 0, -error, 0); }

void mediate_interrupt(const struct mediator *mediator, uint64_t id) {
  answer(mediator, id, 0, -ERESTARTSYS_VALUE, 0);
}

static void go_on(const struct mediator *mediator, uint64_t id) {
  answer(mediator, id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

static const struct notify_row *find_row(const struct document *plan, const struct seccomp_data *data) {
  const struct notify_row *rows = DOCUMENT_ROWS(plan, SECTION_NOTIFY, notify_row);
  for (uint32_t i = 0; i < DOCUMENT_COUNT(plan, SECTION_NOTIFY); i++) {
    const struct notify_row *row = &rows[i];
    if ((row->match & MATCH_ARCH) && row->arch != data->arch) continue;
    if ((row->match & MATCH_NR) && row->nr != (uint32_t)data->nr) continue;
    if ((row->match & MATCH_ARG) &&
        (row->arg_index > 5 || ((uint32_t)data->args[row->arg_index] & row->arg_mask) != row->arg_value))
      continue;
    return row;
  }
  return NULL;
}

/* A socket that came from outside the sandbox (an inherited descriptor) is none of the workload's business. */
static bool is_inner(const struct mediator *mediator, int file) {
  uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  if (mediator->cookie == 0) return true;
  return getsockopt(file, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0 && cookie == mediator->cookie;
}

static int socket_option(int file, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(file, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

/* Reads the address argument of connect and bind. 0, or the errno to answer. */
static int read_address(const struct caller *caller, const struct seccomp_data *data, struct target *target) {
  int length = (int)data->args[2];
  if (length < (int)sizeof(sa_family_t) || length > (int)sizeof target->address) return EINVAL;
  memset(&target->address, 0, sizeof target->address);
  if (!caller_read(caller, data->args[1], &target->address, (size_t)length)) return EFAULT;
  target->length = (socklen_t)length;
  return 0;
}

static void bind_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  struct target target;
  int file = caller_file(caller, (int)call->data.args[0]);
  if (file < 0) {
    mediate_answer(mediator, call->id, EBADF);
    return;
  }
  int domain = socket_option(file, SO_DOMAIN);
  if (domain != AF_INET && domain != AF_INET6) {
    /* Unix sockets are made in the caller's own view of the file system. If another thread puts an internet socket at
       the number meanwhile, Landlock refuses a TCP port and any other stays in the empty namespace. */
    if (domain < 0) mediate_answer(mediator, call->id, ENOTSOCK);
    else go_on(mediator, call->id);
  } else {
    int error = read_address(caller, &call->data, &target);
    if (error == 0 && !is_inner(mediator, file)) error = EACCES;
    if (error == 0 && mediate_valid(mediator, call->id) &&
        bind(file, (struct sockaddr *)&target.address, target.length) < 0)
      error = errno;
    mediate_answer(mediator, call->id, error);
  }
  close(file);
}

static void listen_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  int file = caller_file(caller, (int)call->data.args[0]);
  int error = file < 0 ? EBADF : 0;
  if (error == 0) {
    int domain = socket_option(file, SO_DOMAIN);
    if (domain < 0) error = ENOTSOCK;
    else if (!is_inner(mediator, file)) error = EACCES;
    else if (mediate_valid(mediator, call->id) && listen(file, (int)call->data.args[1]) < 0) error = errno;
    close(file);
  }
  mediate_answer(mediator, call->id, error);
}

static bool is_loopback(const struct target *target, int domain, uint16_t *port, bool *plain) {
  sa_family_t family = target->address.ss_family;
  *port = 0;
  *plain = false;
  if (family == AF_INET && target->length >= sizeof(struct sockaddr_in)) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)&target->address;
    uint32_t address = ntohl(in->sin_addr.s_addr);
    *port = ntohs(in->sin_port);
    *plain = address == INADDR_LOOPBACK || address == INADDR_ANY;
    return address >> 24 == 127 || address == INADDR_ANY;
  }
  if (family == AF_INET6 && domain == AF_INET6 && target->length >= 24) {
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&target->address;
    *port = ntohs(in->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)) {
      uint32_t address = ntohl(in->sin6_addr.s6_addr32[3]);
      *plain = address == INADDR_LOOPBACK || address == INADDR_ANY;
      return address >> 24 == 127 || address == INADDR_ANY;
    }
    *plain = IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr);
    return IN6_IS_ADDR_LOOPBACK(&in->sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr);
  }
  return false;
}

/* Asks the supervisor about the destination; the caller sleeps until the answer. */
static void ask(const struct mediator *mediator, struct waiting *waiting, uint16_t port) {
  struct frame frame;
  control_begin(&frame, REPORT_OPEN);
  frame_u64(&frame, waiting->id);
  frame_u32(&frame, waiting->target.address.ss_family);
  frame_u32(&frame, (uint32_t)waiting->type);
  if (waiting->target.address.ss_family == AF_INET) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)&waiting->target.address;
    frame_bytes(&frame, &in->sin_addr, 4);
  } else {
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&waiting->target.address;
    frame_bytes(&frame, &in->sin6_addr, 16);
  }
  frame_u32(&frame, port);
  caller_describe(&waiting->caller, mediator->top, &frame);
  if (!mediate_valid(mediator, waiting->id) || !control_send(mediator->control, &frame))
    waiting_finish(mediator, waiting, EACCES);
}

static void connect_inet(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call,
                         int file, int domain, struct target target) {
  const struct settings_row *settings = DOCUMENT_ROWS(mediator->plan, SECTION_SETTINGS, settings_row);
  uint16_t port;
  bool plain;
  if (!is_inner(mediator, file)) {
    mediate_answer(mediator, call->id, EACCES);
    close(file);
    return;
  }
  int type = socket_option(file, SO_TYPE);
  bool loopback = is_loopback(&target, domain, &port, &plain);
  bool named = target.address.ss_family == AF_INET || target.address.ss_family == AF_INET6;
  bool whole = target.length >= (target.address.ss_family == AF_INET6 ? 24 : sizeof(struct sockaddr_in));
  struct waiting *waiting = waiting_add(call->id, caller, file, type, target);
  if (waiting == NULL) {
    mediate_answer(mediator, call->id, EAGAIN);
    close(file);
    return;
  }
  waiting->proxied = loopback && plain && type == SOCK_STREAM && settings->proxy_port != 0 && port == settings->proxy_port;
  /* Names nothing (AF_UNSPEC, too short, port 0 of a probe): the kernel answers, and the namespace is empty. */
  bool asked = waiting->proxied || (named && whole && !loopback && port != 0);
  if (asked) ask(mediator, waiting, port);
  else waiting_connect(mediator, waiting);
}

static void connect_for(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  struct target target;
  int file = caller_file(caller, (int)call->data.args[0]);
  if (file < 0) {
    mediate_answer(mediator, call->id, EBADF);
    return;
  }
  int domain = socket_option(file, SO_DOMAIN);
  int error = domain < 0 ? ENOTSOCK : read_address(caller, &call->data, &target);
  if (error != 0 || !mediate_valid(mediator, call->id)) {
    mediate_answer(mediator, call->id, error);
    close(file);
  } else if (domain == AF_INET || domain == AF_INET6) {
    connect_inet(mediator, caller, call, file, domain, target);
  } else {
    go_on(mediator, call->id);
    close(file);
  }
}

static void refuse(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call,
                   const struct notify_row *row) {
  denials_add(mediator->control, caller, mediator->top, &call->data, row->rule, row->errno_value);
  mediate_answer(mediator, call->id, (int)row->errno_value);
}

static void handle(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  const struct notify_row *row = find_row(mediator->plan, &call->data);
  if (row == NULL) {
    mediate_answer(mediator, call->id, EPERM);
    return;
  }
  switch (row->handler) {
    case HANDLER_CONNECT: connect_for(mediator, caller, call); return;
    case HANDLER_BIND: bind_for(mediator, caller, call); return;
    case HANDLER_LISTEN: listen_for(mediator, caller, call); return;
    case HANDLER_OWN_THREAD:
      /* The arguments are registers: nobody can change them between this look and the call. */
      if (row->arg_index <= 5 && caller_owns_thread(caller, (pid_t)call->data.args[row->arg_index]))
        go_on(mediator, call->id);
      else refuse(mediator, caller, call, row);
      return;
    default: refuse(mediator, caller, call, row);
  }
}

bool mediate_receive(struct mediator *mediator) {
  memset(request, 0, sizes.seccomp_notif);
  if (ioctl(mediator->listener, SECCOMP_IOCTL_NOTIF_RECV, request) < 0)
    return errno == EINTR || errno == ENOENT || errno == EAGAIN;
  struct caller caller;
  if (request->pid == 0 || !caller_open(&caller, (pid_t)request->pid)) {
    mediate_answer(mediator, request->id, EPERM);
    return true;
  }
  handle(mediator, &caller, request);
  caller_close(&caller);
  return true;
}
