#define _GNU_SOURCE
#include "connecting.h"
#include "abstract.h"
#include "answer.h"
#include "ledger.h"
#include "peer.h"
#include "prompt.h"
#include "sockets.h"
#include "swap.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void wait_for_handshake(const struct mediator *mediator, struct waiting *waiting, int fd) {
  if (!waiting_poll(mediator, waiting, fd, EPOLLOUT)) {
    waiting_finish(mediator, waiting, EAGAIN);
    return;
  }
  waiting->deadline_ms = socket_deadline(waiting->file, SO_SNDTIMEO);
}

/* Whether a connect that does not block is over: on loopback it is at once. */
static bool handshake_over(int file) {
  struct pollfd ready = {.fd = file, .events = POLLOUT};
  return poll(&ready, 1, 0) == 1;
}

/* On the held file, which may be the caller's blocking one: it never blocks the warden, the caller waits instead. */
static void connect_held(const struct mediator *mediator, struct waiting *waiting) {
  int flags = fcntl(waiting->file, F_GETFL);
  if (flags < 0) {
    waiting_finish(mediator, waiting, EBADF);
    return;
  }
  waiting->blocking = !(flags & O_NONBLOCK);
  if (waiting->blocking) fcntl(waiting->file, F_SETFL, flags | O_NONBLOCK);
  int error = prompt_connect(waiting->file, waiting->domain, &waiting->target);
  if (error == EINPROGRESS && waiting->blocking && handshake_over(waiting->file))
    error = prompt_connect(waiting->file, waiting->domain, &waiting->target);
  if (waiting->blocking) fcntl(waiting->file, F_SETFL, flags);
  if (error == 0 && waiting->own && !abstract_peer_is_own(waiting->file)) { /* somebody took the name of one that ended */
    shutdown(waiting->file, SHUT_RDWR);
    error = ECONNREFUSED;
  }
  if (waiting->proxied && (error == 0 || error == EINPROGRESS)) {
    peer_tell(mediator, waiting->id, waiting->file);
    waiting->told = true;
  }
  if ((error == EINPROGRESS || error == EALREADY) && waiting->blocking) { /* the latter: it was interrupted, and is made again */
    wait_for_handshake(mediator, waiting, waiting->file);
  } else if (error == EAGAIN && waiting->blocking && waiting->domain == AF_UNIX) {
    if (waiting->state != WAITING_RETRY) waiting->deadline_ms = socket_deadline(waiting->file, SO_SNDTIMEO);
    waiting->state = WAITING_RETRY;
  } else {
    waiting_finish(mediator, waiting, error);
  }
}

void connecting_inside(const struct mediator *mediator, struct waiting *waiting) {
  if (!answer_wanted(mediator->listener, waiting->id)) waiting_forget(mediator, waiting);
  else connect_held(mediator, waiting);
}

static void hand_over(const struct mediator *mediator, struct waiting *waiting, int error) {
  if (waiting->blocking) {
    int flags = fcntl(waiting->replacement, F_GETFL);
    fcntl(waiting->replacement, F_SETFL, flags & ~O_NONBLOCK);
  }
  if (!swap_hand_over(mediator, waiting->id, &waiting->caller, waiting->number, waiting->file, waiting->replacement)) {
    /* The number is above a limit that the caller lowered, or the call is gone. */
    waiting_finish(mediator, waiting, EBADF);
    return;
  }
  /* Its last copy, before the caller goes on: the old registrations in epoll sets end with it. */
  close(waiting->file);
  waiting->file = -1;
  waiting_finish(mediator, waiting, error);
}

/* On a file that nobody else has yet: it does not block, and nobody can make it. */
static int connect_own(int file, const struct target *target) {
  return connect(file, (const struct sockaddr *)&target->address, target->length) < 0 ? errno : 0;
}

void connecting_outside(const struct mediator *mediator, struct waiting *waiting, const struct target *target) {
  if (!answer_wanted(mediator->listener, waiting->id)) {
    waiting_forget(mediator, waiting);
    return;
  }
  if (!waiting->outer && (waiting->replacement = swap_make(waiting->file, waiting->domain)) < 0) {
    waiting_finish(mediator, waiting, errno);
    return;
  }
  if (waiting->token != 0 && !ledger_add(waiting->token, waiting_polled(waiting))) {
    waiting_finish(mediator, waiting, EAGAIN); /* what could not be ended later is not begun */
    return;
  }
  waiting->target = *target; /* the one that was judged, from here on */
  if (waiting->outer) {
    connect_held(mediator, waiting);
    return;
  }
  int flags = fcntl(waiting->file, F_GETFL);
  waiting->blocking = flags >= 0 && !(flags & O_NONBLOCK);
  int error = connect_own(waiting->replacement, target);
  if (error == EINPROGRESS && waiting->blocking && handshake_over(waiting->replacement))
    error = connect_own(waiting->replacement, target);
  if (error == 0) hand_over(mediator, waiting, 0);
  else if (error != EINPROGRESS) waiting_finish(mediator, waiting, error);
  /* A program that does not block gets its socket at once: the kernel tells it the rest. */
  else if (!waiting->blocking) hand_over(mediator, waiting, EINPROGRESS);
  else wait_for_handshake(mediator, waiting, waiting->replacement);
}

void connecting_elsewhere(const struct mediator *mediator, struct waiting *waiting, const struct target *target) {
  if (waiting->outer && !mediator->settings->platform) { /* a socket that an earlier connect put outside reaches nothing inside */
    waiting_finish(mediator, waiting, ECONNREFUSED);
    return;
  }
  int mapped = 0; /* an IPv6 socket reaches an IPv4 address; what is bound already keeps what it has */
  if (waiting->domain == AF_INET6) setsockopt(waiting->file, IPPROTO_IPV6, IPV6_V6ONLY, &mapped, sizeof mapped);
  waiting->proxied = true;
  waiting->target = *target;
  connecting_inside(mediator, waiting);
}

void connecting_done(const struct mediator *mediator, struct waiting *waiting, int error) {
  if (error == 0 && waiting->replacement >= 0) hand_over(mediator, waiting, 0);
  else waiting_finish(mediator, waiting, error);
}

