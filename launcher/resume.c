#define _GNU_SOURCE
#include "resume.h"
#include "answer.h"
#include "clock.h"
#include "connecting.h"
#include "datagrams.h"
#include "peer.h"
#include "prompt.h"
#include "sending.h"
#include "verdicts.h"
#include "waiting.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* How long a waiting caller may be deaf to its signals, and how often it is looked at. */
#define TICK_MS 50

/* `u64 id, u32 verdict, u32 errno, u32 token, u32 ttl_ms, u32 port, u32 address length, address[16]` */
void resume_verdict(struct mediator *mediator, const uint8_t *payload, size_t length) {
  struct {
    uint64_t id;
    uint32_t verdict;
    uint32_t error;
    uint32_t token;
    uint32_t ttl_ms;
    uint32_t port;
    uint32_t address_length;
    uint8_t address[16];
  } answer;
  if (length != sizeof answer) return;
  memcpy(&answer, payload, sizeof answer);
  struct waiting *waiting = waiting_find(answer.id);
  struct target target;
  if (waiting == NULL) { /* the caller ended meanwhile */
    peer_tell(mediator, answer.id, -1);
    return;
  }
  if (answer.verdict == VERDICT_REDIRECT && waiting->type == SOCK_STREAM && !waiting->relayed && !waiting->sending &&
      target_make(&target, waiting->domain, answer.address, answer.address_length, answer.port)) {
    connecting_elsewhere(mediator, waiting, &target);
  } else if (answer.verdict == VERDICT_LOCAL && waiting->relayed) {
    datagrams_judged(mediator, waiting, answer.ttl_ms);
  } else if (answer.verdict == VERDICT_LOCAL && waiting->sending) {
    sending_judged(mediator, waiting, answer.ttl_ms);
  } else if (answer.verdict == VERDICT_LOCAL && !waiting->outer) {
    connecting_inside(mediator, waiting);
  } else if (answer.verdict == VERDICT_DIRECT && !waiting->sending && !waiting->relayed &&
             target_make(&target, waiting->domain, answer.address, answer.address_length, answer.port)) {
    if (answer.ttl_ms > 0 && waiting->key != NULL) {
      verdicts_keep(waiting->key, &target, answer.token, answer.ttl_ms);
      waiting->key = NULL;
    }
    waiting->token = answer.token;
    connecting_outside(mediator, waiting, &target);
  } else {
    waiting_finish(mediator, waiting, answer.error > 0 && answer.error < 4096 ? (int)answer.error : EACCES);
  }
}

void resume_ready(struct mediator *mediator, uint64_t data) {
  struct waiting *waiting = waiting_at(data - MEDIATE_POLL_BASE);
  if (waiting == NULL || (waiting->state != WAITING_HANDSHAKE && waiting->state != WAITING_MESSAGE)) return;
  if (waiting->state == WAITING_MESSAGE) {
    datagrams_receive_again(mediator, waiting);
    return;
  }
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(waiting_polled(waiting), SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
  /* The call that a program makes to end such a connect, without which its next one would not say that it is connected.
     Another thread can have ended the connection: then it begins once more, to where it was judged to go. */
  if (error == 0) prompt_connect(waiting_polled(waiting), waiting->domain, &waiting->target);
  connecting_done(mediator, waiting, error);
}

static int overdue_error(enum waiting_state state) {
  switch (state) {
    case WAITING_VERDICT: return ETIMEDOUT;
    case WAITING_HANDSHAKE: return EINPROGRESS;
    default: return EAGAIN;
  }
}

int resume_tick(struct mediator *mediator) {
  if (waiting_count() == 0) return -1;
  int64_t now = now_ms();
  struct waiting *waiting;
  for (uint64_t slot = 0; (waiting = waiting_at(slot)) != NULL; slot++) {
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
  return waiting_count() == 0 ? -1 : TICK_MS;
}
