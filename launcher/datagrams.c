#define _GNU_SOURCE
#include "datagrams.h"
#include "answer.h"
#include "births.h"
#include "control.h"
#include "descriptors.h"
#include "destination.h"
#include "peer.h"
#include "question.h"
#include "sockets.h"
#include "verdicts.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Most of a call that is looked at; programs send and receive less at once. */
#define MAX_MESSAGES 64
#define MAX_PARTS 64
#define MAX_PAYLOAD 65507 /* of UDP over IPv4 */
/* struct mmsghdr: a struct msghdr, a length, padding. */
#define MESSAGE_STRIDE (sizeof(struct msghdr) + 8)
#define MESSAGE_LENGTH sizeof(struct msghdr)

/* Stands before each datagram on its way to a socket: whom it is from. */
struct origin {
  uint32_t port;
  uint32_t length;
  uint8_t address[16];
};

static int hub = -1;
static struct sockaddr_in hub_address;
static uint8_t buffer[sizeof(struct origin) + MAX_PAYLOAD + 1];

static bool start_hub(void) {
  socklen_t length = sizeof hub_address;
  if (hub >= 0) return true;
  hub_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  hub = descriptors_lift(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (hub >= 0 && bind(hub, (struct sockaddr *)&hub_address, sizeof hub_address) == 0 &&
      getsockname(hub, (struct sockaddr *)&hub_address, &length) == 0)
    return true;
  if (hub >= 0) close(hub);
  hub = -1;
  return false;
}

int datagrams_attach(struct birth *birth, uint16_t port) {
  static const uint8_t loopback[] = {127, 0, 0, 1};
  int both = 0;
  struct target from = {.length = 0};
  struct target to;
  if (birth->attached) return port == 0 ? 0 : EINVAL;
  if (!start_hub() || !target_make(&to, birth->domain, loopback, sizeof loopback, ntohs(hub_address.sin_port))) return ENOBUFS;
  if (birth->domain == AF_INET6) setsockopt(birth->file, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
  if (port != 0 && (!target_make(&from, birth->domain, loopback, sizeof loopback, port) ||
                    bind(birth->file, (const struct sockaddr *)&from.address, from.length) < 0))
    return errno;
  /* Once more for the connected state, in which the call is defined. */
  if (connect(birth->file, (const struct sockaddr *)&to.address, to.length) < 0 || shutdown(birth->file, SHUT_WR) < 0) return errno;
  birth->attached = true;
  return 0;
}

/* The memory of one message: what the call names, as the kernel would read it. */
struct message {
  uint64_t header; /* of a struct msghdr in the caller's memory, or 0 */
  uint64_t name;
  uint64_t name_length_at; /* recvfrom: where the length stands */
  int name_length;
  struct iovec parts[MAX_PARTS];
  unsigned count;
};

static int read_parts(const struct caller *caller, uint64_t address, uint64_t count, struct message *message) {
  if (count > MAX_PARTS) return EMSGSIZE;
  message->count = (unsigned)count;
  return count == 0 || caller_read(caller, address, message->parts, count * sizeof *message->parts) ? 0 : EFAULT;
}

/* Message `i` of a call. 0, ENOENT for no more, or what is wrong. */
static int read_message(const struct caller *caller, const struct seccomp_data *call, unsigned i, struct message *message) {
  bool several = call->nr == SYS_sendmmsg || call->nr == SYS_recvmmsg;
  *message = (struct message){.header = 0};
  if (i >= (several ? (uint32_t)call->args[2] : 1)) return ENOENT;
  switch (call->nr) {
    case SYS_read:
    case SYS_write:
    case SYS_sendto:
    case SYS_recvfrom:
      message->parts[0] = (struct iovec){(void *)(uintptr_t)call->args[1], call->args[2]};
      message->count = 1;
      if (call->nr == SYS_sendto) {
        message->name = call->args[4];
        message->name_length = (int)call->args[5];
      } else if (call->nr == SYS_recvfrom && call->args[4] != 0) {
        message->name = call->args[4];
        message->name_length_at = call->args[5];
        if (!caller_read(caller, call->args[5], &message->name_length, sizeof message->name_length)) return EFAULT;
      }
      return 0;
    case SYS_readv:
    case SYS_writev: return read_parts(caller, call->args[1], call->args[2], message);
    default: break;
  }
  struct msghdr header;
  message->header = call->args[1] + i * MESSAGE_STRIDE;
  if (i >= MAX_MESSAGES) return ENOENT;
  if (!caller_read(caller, message->header, &header, sizeof header)) return EFAULT;
  message->name = (uint64_t)(uintptr_t)header.msg_name;
  message->name_length = (int)header.msg_namelen;
  return read_parts(caller, (uint64_t)(uintptr_t)header.msg_iov, header.msg_iovlen, message);
}

/* The whole payload into the buffer, behind the room for an origin. Its length, or -errno. */
static ssize_t gather(const struct caller *caller, const struct message *message) {
  size_t length = 0;
  for (unsigned i = 0; i < message->count; i++) {
    const struct iovec *part = &message->parts[i];
    if (part->iov_len > MAX_PAYLOAD - length) return -EMSGSIZE;
    if (part->iov_len > 0 && !caller_read(caller, (uint64_t)(uintptr_t)part->iov_base, buffer + sizeof(struct origin) + length, part->iov_len)) return -EFAULT;
    length += part->iov_len;
  }
  return (ssize_t)length;
}

/* To the socket of that port, `length` bytes that stand behind the room for an origin in the buffer. */
static void deliver(const struct origin *origin, uint16_t port, size_t length) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  memcpy(buffer, origin, sizeof *origin);
  if (hub >= 0) sendto(hub, buffer, sizeof *origin + length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof to);
}

/* Whether a socket of the sandbox has that address. */
static bool is_own(const struct place *place) { return place->loopback && place->port != 0 && births_by_port(place->port) != NULL; }

/* What was gathered goes on its way. */
static void pass_on(const struct mediator *mediator, int file, const struct place *place, size_t length) {
  struct frame frame;
  if (is_own(place)) {
    deliver(&(struct origin){.port = socket_port(file), .length = 4, .address = {127, 0, 0, 1}}, place->port, length);
    return;
  }
  if (!control_has_room(mediator->control)) return; /* a supervisor that does not read loses datagrams, as a full queue does */
  control_begin(&frame, REPORT_SENT);
  frame_u32(&frame, socket_port(file));
  frame_u32(&frame, place->port);
  frame_bytes(&frame, place->address, place->length);
  frame_bytes(&frame, buffer + sizeof(struct origin), length);
  control_send(mediator->control, &frame);
}

/* Where message `i` goes; 0 or what is wrong. */
static int destination_of(const struct waiting *waiting, const struct message *message, struct target *target) {
  const struct birth *birth = births_find(waiting->inode);
  if (message->name != 0) return target_read(&waiting->caller, message->name, message->name_length, target);
  if (birth == NULL || !birth->connected) return EDESTADDRREQ;
  *target = birth->peer;
  return 0;
}

/* Whether it may go there now. False: the caller was answered, or waits. */
static bool judged(const struct mediator *mediator, struct waiting *waiting) {
  struct place place = place_of(&waiting->target);
  if (!place.named || place.port == 0) {
    waiting_finish(mediator, waiting, place.named ? EINVAL : EAFNOSUPPORT);
    return false;
  }
  if (is_own(&place)) return true;
  free(waiting->key);
  waiting->key = verdict_key_make(&waiting->caller, mediator->top, &waiting->target, waiting->domain);
  if (waiting->key != NULL) verdict_key_bind(waiting->key, waiting->file);
  if (verdicts_find(waiting->key, waiting->caller.tgid, NULL) != NULL) return true;
  waiting->proxied = true; /* its address is told when it is allowed */
  waiting->told = false;
  ask_about(mediator, waiting, &place);
  return false;
}

/* First every destination is judged, then what was judged is sent: to the addresses that were read then. */
static void look_through(const struct mediator *mediator, struct waiting *waiting) {
  static struct target targets[MAX_MESSAGES];
  struct message message;
  unsigned count = 0;
  int error;
  while (count < MAX_MESSAGES && (error = read_message(&waiting->caller, &waiting->call, count, &message)) != ENOENT) {
    if (error == 0) error = destination_of(waiting, &message, &waiting->target);
    if (error != 0) {
      waiting_finish(mediator, waiting, error);
      return;
    }
    if (!judged(mediator, waiting)) return;
    targets[count++] = waiting->target;
  }
  int64_t result = 0;
  for (unsigned i = 0; i < count; i++) {
    ssize_t length = read_message(&waiting->caller, &waiting->call, i, &message) == 0 ? gather(&waiting->caller, &message) : -EFAULT;
    if (length < 0 || !answer_wanted(mediator->listener, waiting->id)) {
      if (i == 0) result = length < 0 ? length : -EINTR;
      break;
    }
    struct place place = place_of(&targets[i]);
    pass_on(mediator, waiting->file, &place, (size_t)length);
    uint32_t sent = (uint32_t)length;
    if (waiting->call.nr != SYS_sendmmsg) result = length;
    else if (caller_write(&waiting->caller, message.header + MESSAGE_LENGTH, &sent, sizeof sent)) result = i + 1;
  }
  if (result < 0) answer_error(mediator->listener, waiting->id, (int)-result);
  else answer_value(mediator->listener, waiting->id, result);
  waiting_forget(mediator, waiting);
}

/* Its peer is what sends without an address are to; the kernel knows of none but us. */
static void datagrams_connected(const struct mediator *mediator, struct waiting *waiting) {
  struct birth *birth = births_find(waiting->inode);
  if (birth != NULL) {
    birth->connected = true;
    birth->peer = waiting->target;
  }
  waiting_finish(mediator, waiting, birth == NULL ? EBADF : 0);
}

void datagrams_connect(const struct mediator *mediator, struct waiting *waiting) {
  struct birth *birth = births_find(waiting->inode);
  struct place place = place_of(&waiting->target);
  int error = birth == NULL ? EBADF : datagrams_attach(birth, 0);
  if (error != 0) {
    waiting_finish(mediator, waiting, error);
  } else if (waiting->target.address.ss_family == AF_UNSPEC) {
    birth->connected = false;
    waiting_finish(mediator, waiting, 0);
  } else if (!place.named) {
    waiting_finish(mediator, waiting, EINVAL);
  } else if (place.port == 0 || place.loopback || judged(mediator, waiting)) {
    /* Without a port it asks for its own address only. On loopback, to see that there is one (getaddrinfo(3) of musl does, where
       it is told AI_ADDRCONFIG): what is sent there is judged each time. */
    datagrams_connected(mediator, waiting);
  }
}

void datagrams_judged(const struct mediator *mediator, struct waiting *waiting, uint32_t ttl_ms) {
  struct birth *birth = births_find(waiting->inode);
  peer_tell(mediator, waiting->id, waiting->file);
  waiting->told = true;
  if (birth == NULL) {
    waiting_finish(mediator, waiting, EBADF);
  } else if (!waiting->sending) {
    if (waiting->key != NULL && ttl_ms > 0) verdicts_keep(waiting->key, &waiting->target, 0, ttl_ms);
    else free(waiting->key);
    waiting->key = NULL;
    datagrams_connected(mediator, waiting);
  } else if (waiting->key == NULL || ttl_ms == 0) {
    waiting_finish(mediator, waiting, EACCES); /* whose they are cannot be told a second time */
  } else {
    verdicts_keep(waiting->key, &waiting->target, 0, ttl_ms);
    waiting->key = NULL;
    look_through(mediator, waiting);
  }
}

/* A waiting caller on a relayed socket, or NULL: the call has gone on, or was answered. */
static struct waiting *wait_for(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  int number = (int)call->data.args[0];
  struct birth *birth = births_of(caller, number);
  if (birth == NULL || !birth->relayed) {
    /* Whatever a thread puts at the number meanwhile: none of the sockets that it can have sends to an address. */
    answer_go_on(mediator->listener, call->id);
    return NULL;
  }
  int error = datagrams_attach(birth, 0);
  if (error != 0) {
    answer_error(mediator->listener, call->id, error);
    return NULL;
  }
  int file = descriptors_lift(fcntl(birth->file, F_DUPFD_CLOEXEC, 0));
  struct waiting *waiting = file < 0 ? NULL : waiting_add(call->id, caller, number, file);
  if (waiting == NULL) {
    answer_error(mediator->listener, call->id, EAGAIN);
    if (file >= 0) close(file);
    return NULL;
  }
  waiting->call = call->data;
  waiting->inode = birth->inode;
  waiting->domain = birth->domain;
  waiting->type = SOCK_DGRAM;
  waiting->relayed = true;
  return waiting;
}

void datagrams_send(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  struct waiting *waiting = wait_for(mediator, caller, call);
  if (waiting == NULL) return;
  waiting->sending = true;
  look_through(mediator, waiting);
}

static int flags_of(const struct seccomp_data *call) {
  switch (call->nr) {
    case SYS_recvfrom:
    case SYS_recvmmsg: return (int)call->args[3];
    case SYS_recvmsg: return (int)call->args[2];
    default: return 0;
  }
}

/* Into the parts, in their order; what does not fit is lost. The bytes written, or -1. */
static ssize_t scatter(const struct caller *caller, const struct message *message, const uint8_t *bytes, size_t length) {
  size_t written = 0;
  for (unsigned i = 0; i < message->count && written < length; i++) {
    size_t part = message->parts[i].iov_len < length - written ? message->parts[i].iov_len : length - written;
    if (part > 0 && !caller_write(caller, (uint64_t)(uintptr_t)message->parts[i].iov_base, bytes + written, part)) return -1;
    written += part;
  }
  return (ssize_t)written;
}

static bool write_name(const struct caller *caller, const struct message *message, const struct target *from) {
  uint32_t length = (uint32_t)from->length;
  if (message->name != 0) {
    if (message->name_length < 0) return false;
    size_t room = (size_t)message->name_length < from->length ? (size_t)message->name_length : from->length;
    if (!caller_write(caller, message->name, &from->address, room)) return false;
  }
  if (message->name_length_at != 0) return caller_write(caller, message->name_length_at, &length, sizeof length);
  if (message->header == 0) return true;
  length = message->name == 0 ? 0 : length;
  return caller_write(caller, message->header + offsetof(struct msghdr, msg_namelen), &length, sizeof length);
}

static bool write_header(const struct caller *caller, const struct message *message, int flags) {
  size_t none = 0;
  return message->header == 0 ||
         (caller_write(caller, message->header + offsetof(struct msghdr, msg_controllen), &none, sizeof none) &&
          caller_write(caller, message->header + offsetof(struct msghdr, msg_flags), &flags, sizeof flags));
}

/* One datagram into message `i`: what the call returns for it, or -errno. */
static ssize_t receive_one(const struct waiting *waiting, unsigned i) {
  struct message message;
  struct origin origin;
  struct target from;
  int flags = flags_of(&waiting->call);
  int error = read_message(&waiting->caller, &waiting->call, i, &message);
  if (error != 0) return -error;
  ssize_t got = recv(waiting->file, buffer, sizeof buffer, MSG_DONTWAIT | (flags & MSG_PEEK));
  if (got < 0) return -errno;
  if (got < (ssize_t)sizeof origin) return -EAGAIN;
  memcpy(&origin, buffer, sizeof origin);
  size_t length = (size_t)got - sizeof origin;
  if (!target_make(&from, waiting->domain, origin.address, origin.length, origin.port)) return -EAGAIN;
  ssize_t written = scatter(&waiting->caller, &message, buffer + sizeof origin, length);
  int cut = written >= 0 && (size_t)written < length ? MSG_TRUNC : 0;
  if (written < 0 || !write_name(&waiting->caller, &message, &from) || !write_header(&waiting->caller, &message, cut)) return -EFAULT;
  ssize_t result = flags & MSG_TRUNC ? (ssize_t)length : written;
  uint32_t count = (uint32_t)result;
  if (waiting->call.nr == SYS_recvmmsg && !caller_write(&waiting->caller, message.header + MESSAGE_LENGTH, &count, sizeof count))
    return -EFAULT;
  return result;
}

static bool may_wait(const struct waiting *waiting) {
  int flags = fcntl(waiting->file, F_GETFL);
  return flags >= 0 && !(flags & O_NONBLOCK) && !(flags_of(&waiting->call) & MSG_DONTWAIT);
}

void datagrams_receive_again(const struct mediator *mediator, struct waiting *waiting) {
  if (!answer_wanted(mediator->listener, waiting->id)) {
    waiting_forget(mediator, waiting);
    return;
  }
  ssize_t first = receive_one(waiting, 0);
  if (first == -EAGAIN && may_wait(waiting)) {
    if (!waiting_poll(mediator, waiting, waiting->file, EPOLLIN)) waiting_finish(mediator, waiting, EAGAIN);
    else if (waiting->deadline_ms == 0) waiting->deadline_ms = socket_deadline(waiting->file, SO_RCVTIMEO);
    return;
  }
  int64_t result = first;
  if (first >= 0 && waiting->call.nr == SYS_recvmmsg) {
    unsigned count = 1;
    while (count < MAX_MESSAGES && receive_one(waiting, count) >= 0) count++;
    result = count;
  }
  if (result < 0) answer_error(mediator->listener, waiting->id, (int)-result);
  else answer_value(mediator->listener, waiting->id, result);
  waiting_forget(mediator, waiting);
}

void datagrams_receive(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  struct waiting *waiting = wait_for(mediator, caller, call);
  if (waiting == NULL) return;
  waiting->deadline_ms = 0;
  datagrams_receive_again(mediator, waiting);
}

void datagrams_deliver(const uint8_t *payload, size_t length) {
  struct {
    uint32_t local_port;
    struct origin origin;
  } head;
  if (length < sizeof head || length - sizeof head > MAX_PAYLOAD) return;
  memcpy(&head, payload, sizeof head);
  if (births_by_port((uint16_t)head.local_port) == NULL) return;
  memcpy(buffer + sizeof head.origin, payload + sizeof head, length - sizeof head);
  deliver(&head.origin, (uint16_t)head.local_port, length - sizeof head);
}
