#define _GNU_SOURCE
#include "waiting.h"
#include "answer.h"
#include "births.h"
#include "clock.h"
#include "peer.h"
#include "unheard.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_WAITING 1024
/* A supervisor that does not answer for so long counts as one that refuses. */
#define VERDICT_MS 30000

static struct waiting table[MAX_WAITING];
static unsigned count;

struct waiting *waiting_add(uint64_t id, struct caller *caller, int number, int file) {
  if (count == MAX_WAITING) return NULL;
  for (unsigned i = 0; i < MAX_WAITING; i++) {
    if (table[i].state != WAITING_FREE) continue;
    int64_t now = now_ms();
    table[i] = (struct waiting){.state = WAITING_VERDICT, .id = id, .caller = caller_take(caller), .number = number, .file = file,
                                .judged = -1, .replacement = -1, .since_ms = now, .deadline_ms = now + VERDICT_MS};
    count++;
    return &table[i];
  }
  return NULL;
}

unsigned waiting_count(void) { return count; }

struct waiting *waiting_at(uint64_t slot) { return slot < MAX_WAITING ? &table[slot] : NULL; }

struct waiting *waiting_find(uint64_t id) {
  for (unsigned i = 0; i < MAX_WAITING; i++)
    if (table[i].state == WAITING_VERDICT && table[i].id == id) return &table[i];
  return NULL;
}

int waiting_polled(const struct waiting *waiting) {
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
  if (is_polled(waiting)) epoll_ctl(mediator->poll, EPOLL_CTL_DEL, waiting_polled(waiting), NULL);
  if (waiting->proxied && !waiting->told) peer_tell(mediator, waiting->id, -1);
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
  bool takes_back = waiting->asked.address.ss_family == AF_UNSPEC; /* a peer; afterwards it leads nowhere */
  if (waiting->inode != 0 && !takes_back) births_settled(mediator, waiting->inode, error);
  waiting->inode = 0;
  /* An answer may be lost there: the kernel looks at signals first. */
  if (mediator->interrupted && waiting->asked.length != 0 && (error == 0 || error == EINPROGRESS))
    unheard_keep(&waiting->caller, waiting->file < 0 ? waiting->replacement : waiting->file, &waiting->asked, error);
  uint64_t id = waiting->id;
  /* The caller wakes on the processor that we leave: what can be done before its answer does not delay it. */
  waiting_forget(mediator, waiting);
  answer_error(mediator->listener, id, error);
}
