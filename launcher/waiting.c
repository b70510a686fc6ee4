#define _GNU_SOURCE
#include "waiting.h"
#include "answer.h"
#include "births.h"
#include "clock.h"
#include "connecting.h"
#include "datagrams.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_WAITING 1024
/* A supervisor that does not answer for so long counts as one that refuses. */
#define VERDICT_MS 30000
/* How long a waiting caller may be deaf to its signals, and how often it is looked at. */
#define TICK_MS 50

static struct waiting table[MAX_WAITING];
static unsigned count;

struct waiting *waiting_add(uint64_t id, struct caller *caller, int number, int file) {
  if (count == MAX_WAITING) return NULL;
  for (unsigned i = 0; i < MAX_WAITING; i++) {
    if (table[i].state != WAITING_FREE) continue;
    int64_t now = now_ms();
    table[i] = (struct waiting){.state = WAITING_VERDICT, .id = id, .caller = *caller, .number = number, .file = file,
                                .judged = -1, .replacement = -1, .since_ms = now, .deadline_ms = now + VERDICT_MS};
    caller->proc = -1;
    count++;
    return &table[i];
  }
  return NULL;
}

struct waiting *waiting_find(uint64_t id) {
  for (unsigned i = 0; i < MAX_WAITING; i++)
    if (table[i].state == WAITING_VERDICT && table[i].id == id) return &table[i];
  return NULL;
}

static int polled(const struct waiting *waiting) {
  return waiting->replacement >= 0 ? waiting->replacement : waiting->file;
}

static bool is_polled(const struct waiting *waiting) {
  return waiting->state == WAITING_HANDSHAKE || waiting->state == WAITING_MESSAGE;
}

bool waiting_poll(const struct mediator *mediator, struct waiting *waiting, int fd, uint32_t events) {
  struct epoll_event event = {.events = events | EPOLLONESHOT, .data.u64 = MEDIATE_POLL_BASE + (uint64_t)(waiting - table)};
  int op = is_polled(waiting) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(mediator->poll, op, fd, &event) < 0) return false;
  waiting->state = events & EPOLLIN ? WAITING_MESSAGE : WAITING_HANDSHAKE;
  return true;
}

void waiting_forget(const struct mediator *mediator, struct waiting *waiting) {
  /* An interrupted connect goes on trying. */
  if (waiting->inode != 0 && waiting->state == WAITING_HANDSHAKE) births_settled(mediator, waiting->inode, EINPROGRESS);
  if (is_polled(waiting)) epoll_ctl(mediator->poll, EPOLL_CTL_DEL, polled(waiting), NULL);
  if (waiting->proxied && !waiting->told) connecting_tell_peer(mediator, waiting->id, -1);
  caller_close(&waiting->caller);
  if (waiting->file >= 0) close(waiting->file);
  if (waiting->replacement >= 0) close(waiting->replacement);
  if (waiting->judged >= 0) close(waiting->judged);
  free(waiting->key);
  waiting->state = WAITING_FREE;
  count--;
}

void waiting_finish(const struct mediator *mediator, struct waiting *waiting, int error) {
  /* Before the caller goes on: it may close it, or connect it once more. */
  if (waiting->inode != 0) births_settled(mediator, waiting->inode, error);
  waiting->inode = 0;
  answer_error(mediator->listener, waiting->id, error);
  waiting_forget(mediator, waiting);
}

void mediate_ready(struct mediator *mediator, uint64_t data) {
  uint64_t slot = data - MEDIATE_POLL_BASE;
  if (slot >= MAX_WAITING || !is_polled(&table[slot])) return;
  if (table[slot].state == WAITING_MESSAGE) {
    datagrams_receive_again(mediator, &table[slot]);
    return;
  }
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(polled(&table[slot]), SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
  /* The call that a program makes to end such a connect, without which its next one would not say that it is connected.
     The kernel does not look at the address any more. */
  const struct target *target = &table[slot].target;
  if (error == 0) connect(polled(&table[slot]), (const struct sockaddr *)&target->address, target->length);
  connecting_done(mediator, &table[slot], error);
}

static int overdue_error(enum waiting_state state) {
  switch (state) {
    case WAITING_VERDICT: return ETIMEDOUT;
    case WAITING_HANDSHAKE: return EINPROGRESS;
    default: return EAGAIN;
  }
}

int mediate_tick(struct mediator *mediator) {
  if (count == 0) return -1;
  int64_t now = now_ms();
  for (unsigned i = 0; i < MAX_WAITING; i++) {
    struct waiting *waiting = &table[i];
    enum caller_signal signal;
    if (waiting->state == WAITING_FREE || now - waiting->since_ms < TICK_MS) continue;
    if (!answer_wanted(mediator->listener, waiting->id)) {
      waiting_forget(mediator, waiting);
    } else if ((signal = caller_signal(&waiting->caller)) != CALLER_UNDISTURBED) {
      /* A thread that then finds no signal would read the number that stands for a restart. */
      if (signal == CALLER_PERHAPS) answer_error(mediator->listener, waiting->id, EINTR);
      else answer_interrupt(mediator->listener, waiting->id);
      waiting_forget(mediator, waiting);
    } else if (waiting->state == WAITING_RETRY && now < waiting->deadline_ms) {
      connecting_inside(mediator, waiting);
    } else if (now >= waiting->deadline_ms) {
      waiting_finish(mediator, waiting, overdue_error(waiting->state));
    }
  }
  return count == 0 ? -1 : TICK_MS;
}
