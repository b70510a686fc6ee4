#define _GNU_SOURCE
#include "sending.h"
#include "answer.h"
#include "peer.h"
#include "question.h"
#include "sockets.h"
#include "sys.h"
#include "verdicts.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Messages of one sendmmsg that are looked at; no program is known to send more. */
#define MAX_MESSAGES 64
/* struct mmsghdr: a struct msghdr, a length, padding. */
#define MESSAGE_STRIDE (sizeof(struct msghdr) + 8)

/* The destination of message `i`. 1: it names one; 0: it does not; else -errno. -ENOENT: there are no more. */
static int read_message(const struct waiting *waiting, unsigned i, struct target *target) {
  const struct seccomp_data *call = &waiting->call;
  uint64_t name;
  int length;
  if (call->nr == SYS_sendto) {
    if (i > 0) return -ENOENT;
    name = call->args[4];
    length = (int)call->args[5];
  } else {
    struct msghdr header;
    if (i >= (call->nr == SYS_sendmsg ? 1 : (uint32_t)call->args[2])) return -ENOENT;
    if (i >= MAX_MESSAGES) return -EINVAL;
    if (!caller_read(&waiting->caller, call->args[1] + i * MESSAGE_STRIDE, &header, sizeof header)) return -EFAULT;
    name = (uint64_t)(uintptr_t)header.msg_name;
    length = (int)header.msg_namelen;
  }
  if (name == 0) return 0;
  int error = target_read(&waiting->caller, name, length, target);
  return error == 0 ? 1 : -error;
}

/* All else stays in the empty network: the sandbox's own, or nobody's. */
static bool leads_outside(const struct place *place) { return place->named && !place->loopback && place->port != 0; }

/* A socket without a port gets the one that it would get by sending. */
static int give_port(int file, int domain) {
  struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
  socklen_t length = sizeof local;
  if (getsockname(file, (struct sockaddr *)&local, &length) < 0) return errno;
  /* The port is at the same place in both. */
  if (((const struct sockaddr_in *)&local)->sin_port != 0) return 0;
  local = (struct sockaddr_storage){.ss_family = (sa_family_t)domain};
  length = domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  return bind(file, (const struct sockaddr *)&local, length) < 0 ? errno : 0;
}

/* Asks about the first destination that is not known to be allowed; the kernel sends when there is none. */
static void look_through(const struct mediator *mediator, struct waiting *waiting) {
  for (unsigned i = 0;; i++) {
    int got = read_message(waiting, i, &waiting->target);
    if (got == 0) continue;
    if (got == -ENOENT) break;
    struct place place = place_of(&waiting->target);
    int error = got < 0 ? -got : leads_outside(&place) ? give_port(waiting->file, waiting->domain) : 0;
    if (error != 0) {
      waiting_finish(mediator, waiting, error);
      return;
    }
    if (!leads_outside(&place)) continue;
    free(waiting->key);
    waiting->key = verdict_key_make(&waiting->caller, mediator->top, &waiting->target, waiting->domain);
    if (waiting->key != NULL) verdict_key_bind(waiting->key, waiting->file);
    if (verdicts_find(waiting->key, waiting->caller.tgid, NULL) != NULL) continue;
    waiting->proxied = true;
    waiting->told = false;
    ask_about(mediator, waiting, &place);
    return;
  }
  if (answer_wanted(mediator->listener, waiting->id)) answer_go_on(mediator->listener, waiting->id);
  waiting_forget(mediator, waiting);
}

void sending_judged(const struct mediator *mediator, struct waiting *waiting, uint32_t ttl_ms) {
  peer_tell(mediator, waiting->id, waiting->file);
  waiting->told = true;
  if (waiting->key == NULL || ttl_ms == 0) {
    waiting_finish(mediator, waiting, EACCES); /* whose they are cannot be told a second time */
    return;
  }
  verdicts_keep(waiting->key, &waiting->target, 0, ttl_ms);
  waiting->key = NULL;
  look_through(mediator, waiting);
}

void send_for(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  int number = (int)call->data.args[0];
  int file = file_of_call(mediator, caller, call);
  if (file < 0) return;
  int domain = socket_option(file, SO_DOMAIN);
  bool datagrams = (domain == AF_INET || domain == AF_INET6) && socket_option(file, SO_TYPE) == SOCK_DGRAM && is_inner(mediator, file);
  struct waiting *waiting = datagrams ? waiting_add(call->id, caller, number, file) : NULL;
  if (waiting == NULL) {
    if (datagrams) answer_error(mediator->listener, call->id, EAGAIN);
    else answer_go_on(mediator->listener, call->id);
    close(file);
    return;
  }
  waiting->sending = true;
  waiting->call = call->data;
  waiting->domain = domain;
  waiting->type = SOCK_DGRAM;
  look_through(mediator, waiting);
}
