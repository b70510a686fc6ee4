#define _GNU_SOURCE
#include "waiting.h"
#include "clock.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#define MAX_WAITING 1024
/* A supervisor that does not answer for so long counts as one that refuses. */
#define VERDICT_MS 30000
/* How long a waiting caller may be deaf to its signals, and how often it is looked at. */
#define TICK_MS 50

static struct waiting table[MAX_WAITING];
static unsigned count;

struct waiting *waiting_add(uint64_t id, struct caller *caller, int file, int type, struct target target) {
  if (count == MAX_WAITING) return NULL;
  for (unsigned i = 0; i < MAX_WAITING; i++) {
    if (table[i].state != WAITING_FREE) continue;
    count++;
    table[i] = (struct waiting){.state = WAITING_VERDICT, .id = id, .caller = *caller, .file = file, .type = type,
                                .target = target, .since_ms = now_ms()};
    table[i].deadline_ms = table[i].since_ms + VERDICT_MS;
    caller->proc = -1;
    return &table[i];
  }
  return NULL;
}

static void forget(const struct mediator *mediator, struct waiting *waiting) {
  if (waiting->state == WAITING_HANDSHAKE) epoll_ctl(mediator->poll, EPOLL_CTL_DEL, waiting->file, NULL);
  caller_close(&waiting->caller);
  close(waiting->file);
  waiting->state = WAITING_FREE;
  count--;
}

void waiting_finish(const struct mediator *mediator, struct waiting *waiting, int error) {
  mediate_answer(mediator, waiting->id, error);
  forget(mediator, waiting);
}

/* SO_SNDTIMEO bounds a blocking connect (socket(7)); 0 is for ever. */
static int64_t connect_deadline(int file) {
  struct timeval limit = {0};
  socklen_t length = sizeof limit;
  if (getsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &limit, &length) < 0 || (limit.tv_sec == 0 && limit.tv_usec == 0))
    return INT64_MAX;
  return now_ms() + (int64_t)limit.tv_sec * 1000 + limit.tv_usec / 1000;
}

/* The supervisor accepts on the other side: it must know whose port this is before it can serve it. */
static void tell_port(const struct mediator *mediator, const struct waiting *waiting) {
  struct sockaddr_storage local;
  socklen_t length = sizeof local;
  struct frame frame;
  uint16_t port = 0;
  if (getsockname(waiting->file, (struct sockaddr *)&local, &length) < 0) return;
  if (local.ss_family == AF_INET) port = ntohs(((struct sockaddr_in *)&local)->sin_port);
  else if (local.ss_family == AF_INET6) port = ntohs(((struct sockaddr_in6 *)&local)->sin6_port);
  control_begin(&frame, REPORT_PEER);
  frame_u64(&frame, waiting->id);
  frame_u32(&frame, port);
  control_send(mediator->control, &frame);
}

void waiting_connect(const struct mediator *mediator, struct waiting *waiting) {
  if (!mediate_valid(mediator, waiting->id)) {
    forget(mediator, waiting);
    return;
  }
  int flags = fcntl(waiting->file, F_GETFL);
  if (flags < 0) {
    waiting_finish(mediator, waiting, EBADF);
    return;
  }
  /* Never blocks the warden: a blocking caller is made to wait here instead, on the same open file. */
  bool blocking = !(flags & O_NONBLOCK);
  if (blocking) fcntl(waiting->file, F_SETFL, flags | O_NONBLOCK);
  int error = connect(waiting->file, (struct sockaddr *)&waiting->target.address, waiting->target.length) < 0 ? errno : 0;
  if (blocking) fcntl(waiting->file, F_SETFL, flags);
  if (waiting->proxied && (error == 0 || error == EINPROGRESS)) tell_port(mediator, waiting);
  if (error != EINPROGRESS || !blocking) {
    waiting_finish(mediator, waiting, error);
    return;
  }
  struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.u64 = MEDIATE_POLL_BASE + (uint64_t)(waiting - table)};
  if (epoll_ctl(mediator->poll, EPOLL_CTL_ADD, waiting->file, &event) < 0) {
    waiting_finish(mediator, waiting, EAGAIN);
    return;
  }
  waiting->state = WAITING_HANDSHAKE;
  waiting->deadline_ms = connect_deadline(waiting->file);
}

void mediate_ready(struct mediator *mediator, uint64_t data) {
  uint64_t slot = data - MEDIATE_POLL_BASE;
  if (slot >= MAX_WAITING || table[slot].state != WAITING_HANDSHAKE) return;
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(table[slot].file, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
  waiting_finish(mediator, &table[slot], error);
}

void mediate_verdict(struct mediator *mediator, uint64_t id, uint32_t verdict, uint32_t error) {
  for (unsigned i = 0; i < MAX_WAITING; i++) {
    if (table[i].state != WAITING_VERDICT || table[i].id != id) continue;
    if (verdict == VERDICT_LOCAL) waiting_connect(mediator, &table[i]);
    else waiting_finish(mediator, &table[i], error > 0 && error < 4096 ? (int)error : EACCES);
    return;
  }
}

int mediate_tick(struct mediator *mediator) {
  if (count == 0) return -1;
  int64_t now = now_ms();
  for (unsigned i = 0; i < MAX_WAITING; i++) {
    struct waiting *waiting = &table[i];
    if (waiting->state == WAITING_FREE || now - waiting->since_ms < TICK_MS) continue;
    if (!mediate_valid(mediator, waiting->id)) {
      forget(mediator, waiting);
    } else if (caller_has_signal(&waiting->caller)) {
      mediate_interrupt(mediator, waiting->id);
      forget(mediator, waiting);
    } else if (now >= waiting->deadline_ms) {
      waiting_finish(mediator, waiting, waiting->state == WAITING_HANDSHAKE ? EINPROGRESS : ETIMEDOUT);
    }
  }
  return count == 0 ? -1 : TICK_MS;
}
