#define _GNU_SOURCE
#include "destination.h"
#include "abstract.h"
#include "agent.h"
#include "answer.h"
#include "births.h"
#include "connecting.h"
#include "datagrams.h"
#include "denials.h"
#include "descriptors.h"
#include "listeners.h"
#include "question.h"
#include "sockets.h"
#include "sys.h"
#include "unheard.h"
#include "verdicts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* A destination outside: as it was judged before, or as the supervisor says now. */
static void decide(const struct mediator *mediator, struct waiting *waiting, const struct place *place) {
  if (!waiting->proxied && waiting->type == SOCK_STREAM) {
    waiting->key = verdict_key_make(&waiting->caller, mediator->top, &waiting->target, waiting->domain);
    const struct target *known = verdicts_find(waiting->key, waiting->caller.tgid, &waiting->token);
    if (known != NULL) {
      connecting_outside(mediator, waiting, known);
      return;
    }
  }
  ask_about(mediator, waiting, place);
}

static bool is_proxy(const struct settings_row *settings, const struct waiting *waiting, const struct place *place) {
  return place->plain && waiting->type == SOCK_STREAM && settings->proxy_port != 0 && place->port == settings->proxy_port;
}

/* A socket of the host's network from its birth: wherever it goes is asked for, but for what the sandbox listens on. */
static void connect_held_inet(const struct mediator *mediator, struct waiting *waiting) {
  struct place place = place_of(&waiting->target);
  waiting->outer = true;
  waiting->proxied = !waiting->relayed && is_proxy(mediator->settings, waiting, &place);
  if (waiting->relayed) {
    datagrams_connect(mediator, waiting);
  } else if (!place.named || place.port == 0) {
    connecting_inside(mediator, waiting); /* the kernel says what is wrong with it, or takes a peer away */
  } else if (!waiting->proxied && place.loopback && listeners_own(&place)) {
    connecting_inside(mediator, waiting);
  } else {
    decide(mediator, waiting, &place);
  }
}

static void connect_inet(const struct mediator *mediator, struct waiting *waiting) {
  const struct settings_row *settings = mediator->settings;
  struct place place = place_of(&waiting->target);
  waiting->type = socket_option(waiting->file, SO_TYPE);
  if (!settings->network_held) { /* the host's network, by the operator's word */
    connecting_inside(mediator, waiting);
    return;
  }
  if (settings->platform) {
    connect_held_inet(mediator, waiting);
    return;
  }
  waiting->outer = !is_inner(mediator, waiting->file);
  if (waiting->outer && (!place.named || place.loopback || place.port == 0 || waiting->type != SOCK_STREAM)) {
    /* A socket of the host: nothing may be made of it that was not judged, and its loopback is the host's. */
    waiting_finish(mediator, waiting, place.named ? EACCES : EINVAL);
    return;
  }
  if (waiting->outer && socket_is_connected(waiting->file)) { /* asked to learn how the first connect went: no new one */
    waiting_finish(mediator, waiting, EISCONN);
    return;
  }
  bool datagram = waiting->type != SOCK_STREAM && place.named && !place.loopback && place.port != 0;
  waiting->proxied = is_proxy(settings, waiting, &place) || (datagram && settings->datagrams);
  bool local = !place.named || place.loopback || place.port == 0 || (datagram && place.synthetic);
  if (waiting->proxied || !local) decide(mediator, waiting, &place);
  else connecting_inside(mediator, waiting);
}

static void report_unix(const struct mediator *mediator, const struct waiting *waiting, const char *path, size_t length) {
  struct frame frame;
  control_begin(&frame, REPORT_UNIX);
  frame_bytes(&frame, path, length);
  caller_describe(&waiting->caller, mediator->top, &frame);
  control_send(mediator->control, &frame);
}

/* The caller's own /proc/self is ours when we resolve it. */
static void name_self(const struct caller *caller, const char *path, char *out, size_t size) {
  static const char self[] = "/proc/self/";
  if (strncmp(path, self, sizeof self - 1) == 0)
    snprintf(out, size, "/proc/%d/%s", caller_inner_number(caller), path + sizeof self - 1);
  else snprintf(out, size, "%s", path);
}

static void connect_path(const struct mediator *mediator, struct waiting *waiting) {
  struct sockaddr_un *address = (struct sockaddr_un *)&waiting->target.address;
  char path[sizeof address->sun_path + 32];
  address->sun_path[waiting->target.length - sizeof(sa_family_t)] = 0;
  name_self(&waiting->caller, address->sun_path, path, sizeof path);
  int cwd = openat(waiting->caller.proc, "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int found = cwd < 0 ? -1 : agent_find_socket(mediator->plan, cwd, path);
  int error = errno;
  if (cwd >= 0) close(cwd);
  if (found < 0) {
    if (error == EACCES) report_unix(mediator, waiting, address->sun_path, strlen(address->sun_path));
    waiting_finish(mediator, waiting, error);
    return;
  }
  /* Exactly the socket that was judged, whatever stands at the path by now. */
  waiting->judged = found;
  int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d", found);
  waiting->target.length = (socklen_t)(sizeof(sa_family_t) + (size_t)length + 1);
  connecting_inside(mediator, waiting);
}

static void connect_unix(const struct mediator *mediator, struct waiting *waiting) {
  struct sockaddr_un *address = (struct sockaddr_un *)&waiting->target.address;
  size_t length = waiting->target.length - sizeof(sa_family_t);
  if (waiting->target.address.ss_family != AF_UNIX || length == 0 || length > sizeof address->sun_path) {
    connecting_inside(mediator, waiting); /* the kernel says what is wrong with it, or takes a peer away */
  } else if (address->sun_path[0] != 0) {
    connect_path(mediator, waiting);
  } else if (mediator->settings->namespaces & NAMESPACE_NETWORK) {
    connecting_inside(mediator, waiting); /* abstract names belong to the network namespace */
  } else if (mediator->settings->network_held) {
    int error = abstract_own(&waiting->target);
    waiting->own = true;
    if (error == 0) connecting_inside(mediator, waiting);
    else waiting_finish(mediator, waiting, error);
  } else {
    report_unix(mediator, waiting, address->sun_path, length);
    waiting_finish(mediator, waiting, EACCES);
  }
}

/* As file_of_call, for a socket that is held. What is not held any more leads somewhere already. */
static int held_file_of_call(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call,
                             const struct birth **birth) {
  *birth = births_of(caller, (int)call->data.args[0]);
  int file = *birth == NULL ? -1 : descriptors_lift(fcntl((*birth)->file, F_DUPFD_CLOEXEC, 0));
  if (file < 0 && errno == EACCES) denials_unobservable(mediator, caller, call);
  else if (file < 0) answer_error(mediator->listener, call->id, errno == ENOENT ? EISCONN : errno);
  return file;
}

void connect_for(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  struct target target;
  int number = (int)call->data.args[0];
  const struct birth *birth = NULL;
  if (unheard_repeated(mediator, caller, call)) return;
  int file = mediator->settings->platform ? held_file_of_call(mediator, caller, call, &birth) : file_of_call(mediator, caller, call);
  if (file < 0) return;
  int domain = socket_option(file, SO_DOMAIN);
  int error = domain < 0 ? ENOTSOCK : target_read(caller, call->data.args[1], (int)call->data.args[2], &target);
  struct waiting *waiting = error == 0 ? waiting_add(call->id, caller, number, file) : NULL;
  if (waiting == NULL) {
    if (error == EACCES) denials_unobservable(mediator, caller, call);
    else answer_error(mediator->listener, call->id, error == 0 ? EAGAIN : error);
    close(file);
    return;
  }
  waiting->domain = domain;
  waiting->asked = target;
  waiting->target = target;
  if (birth != NULL) {
    waiting->inode = birth->inode;
    waiting->relayed = birth->relayed;
  }
  if (domain == AF_INET || domain == AF_INET6) connect_inet(mediator, waiting);
  else if (domain == AF_UNIX) connect_unix(mediator, waiting);
  else connecting_inside(mediator, waiting);
}

