#define _GNU_SOURCE
#include "mediate.h"
#include "abstract.h"
#include "agent.h"
#include "answer.h"
#include "attributes.h"
#include "births.h"
#include "caller.h"
#include "datagrams.h"
#include "denials.h"
#include "destination.h"
#include "epolls.h"
#include "errand.h"
#include "interface.h"
#include "listeners.h"
#include "netlink.h"
#include "prompt.h"
#include "sending.h"
#include "signalling.h"
#include "sockets.h"
#include "swap.h"
#include "sys.h"
#include "watches.h"
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

bool mediate_start(struct mediator *mediator) {
  if (!answer_start() || !prompt_start()) return false;
  if (mediator->inner >= 0) swap_start(mediator->inner);
  /* The caller sleeps until we answer: let the scheduler switch at once (Linux 6.6; slower without). */
  ioctl(mediator->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYS_NOTIF_SYNC_WAKE_UP);
  return true;
}

static const struct notify_row *find_row(const struct document *plan, const struct seccomp_data *data) {
  const struct notify_row *rows = DOCUMENT_ROWS(plan, SECTION_NOTIFY, notify_row);
  for (uint32_t i = 0; i < DOCUMENT_COUNT(plan, SECTION_NOTIFY); i++) {
    const struct notify_row *row = &rows[i];
    if ((row->match & MATCH_ARCH) && row->arch != data->arch) continue;
    if ((row->match & MATCH_NR) && row->nr != (uint32_t)data->nr) continue;
    const uint32_t *question = &row->arg_index;
    uint32_t yes = 0;
    while (yes < row->questions && yes < MAX_QUESTIONS && question[0] <= 5 &&
           ((uint32_t)data->args[question[0]] & question[1]) == question[2]) {
      question += 3;
      yes++;
    }
    if (yes < row->questions) continue;
    return row;
  }
  return NULL;
}

_Static_assert(offsetof(struct notify_row, arg3_value) == offsetof(struct notify_row, arg_index) + (3 * MAX_QUESTIONS - 1) * 4,
               "the questions of a row follow each other");

static void refuse(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call,
                   const struct notify_row *row) {
  denials_add(mediator->control, caller, mediator->top, &call->data, row->rule, row->errno_value);
  answer_error(mediator->listener, call->id, (int)row->errno_value);
}

/* Never the caller itself: another thread could have put a datagram socket of the host at the number by then. */
static int bind_path(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call, struct birth *birth,
                     struct target *target) {
  static struct errand errand;
  int dir;
  char path[sizeof(struct sockaddr_un) + 1] = {0};
  if (target->length > sizeof(struct sockaddr_un)) return EINVAL;
  memcpy(path, ((struct sockaddr_un *)&target->address)->sun_path, target->length - sizeof(sa_family_t));
  int error = errand_take_bind(caller, path, &errand, &dir);
  if (error == 0 && answer_wanted(mediator->listener, call->id)) error = agent_bind(mediator->plan, &errand, dir, birth->file);
  if (dir >= 0) close(dir);
  return error;
}

static int bind_once(struct birth *birth, const struct target *target) {
  if (birth->relayed) return datagrams_attach(birth, place_of(target).port);
  return bind(birth->file, (const struct sockaddr *)&target->address, target->length) < 0 ? errno : 0;
}

static int bind_birth(const struct mediator *mediator, struct birth *birth, const struct target *target) {
  int error = bind_once(birth, target);
  /* A copy that is held here may be all that is left of the socket that had the address. */
  return error == EADDRINUSE && births_sweep(mediator) ? bind_once(birth, target) : error;
}

/* Sockets that are held here, as without a network namespace all are until they lead somewhere. */
static void bind_held(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call,
                      const struct notify_row *row) {
  struct target target;
  struct birth *birth = births_of(caller, (int)call->data.args[0]);
  int error = birth != NULL ? target_read(caller, call->data.args[1], (int)call->data.args[2], &target)
                            : errno == ENOENT ? EINVAL : errno;
  if (birth == NULL && error == EACCES) {
    denials_unobservable(mediator, caller, call);
    return;
  }
  bool named = error == 0 && birth->domain == AF_UNIX && target.address.ss_family == AF_UNIX;
  if (named && !abstract_named(&target)) {
    answer_error(mediator->listener, call->id, bind_path(mediator, caller, call, birth, &target));
    return;
  }
  if (named) error = abstract_own(&target);
  bool internet = error == 0 && (birth->domain == AF_INET || birth->domain == AF_INET6);
  if (internet && !listeners_local(birth->file, &target)) {
    refuse(mediator, caller, call, row);
    return;
  }
  if (error == 0 && answer_wanted(mediator->listener, call->id)) error = bind_birth(mediator, birth, &target);
  answer_error(mediator->listener, call->id, error);
}

static void listen_held(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call,
                        const struct notify_row *row) {
  struct birth *birth = births_of(caller, (int)call->data.args[0]);
  int error = birth != NULL ? 0 : errno == ENOENT ? EINVAL : errno;
  /* Programs put a socket to listen again to change its backlog: it is their own by now, and keeps the one that it has. */
  if (error == EINVAL && listeners_known(births_inode(caller, (int)call->data.args[0]))) {
    answer_error(mediator->listener, call->id, 0);
    return;
  }
  if (birth == NULL && error == EACCES) {
    denials_unobservable(mediator, caller, call);
    return;
  }
  if (error == 0 && answer_wanted(mediator->listener, call->id)) {
    error = listeners_start(birth->file, (int)call->data.args[1]);
    if (error == 0) births_release(mediator, birth->inode);
  }
  if (error == EACCES) refuse(mediator, caller, call, row);
  else answer_error(mediator->listener, call->id, error);
}

static void bind_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  struct target target;
  int file = file_of_call(mediator, caller, call);
  if (file < 0) return;
  int domain = socket_option(file, SO_DOMAIN);
  if (domain != AF_INET && domain != AF_INET6) {
    /* Unix sockets are made in the caller's own view of the file system. If another thread puts an internet socket at
       the number meanwhile, Landlock refuses a TCP port and any other stays in the empty namespace. */
    if (domain < 0) answer_error(mediator->listener, call->id, ENOTSOCK);
    else answer_go_on(mediator->listener, call->id);
  } else {
    int error = target_read(caller, call->data.args[1], (int)call->data.args[2], &target);
    if (error == EACCES) {
      denials_unobservable(mediator, caller, call);
      close(file);
      return;
    }
    if (error == 0 && !is_inner(mediator, file)) error = EACCES;
    if (error == 0 && answer_wanted(mediator->listener, call->id) &&
        bind(file, (struct sockaddr *)&target.address, target.length) < 0)
      error = errno;
    answer_error(mediator->listener, call->id, error);
  }
  close(file);
}

static void listen_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  int file = file_of_call(mediator, caller, call);
  if (file < 0) return;
  int error = 0;
  if (socket_option(file, SO_DOMAIN) < 0) error = ENOTSOCK;
  else if (!is_inner(mediator, file)) error = EACCES;
  else if (answer_wanted(mediator->listener, call->id) && listen(file, (int)call->data.args[1]) < 0) error = errno;
  close(file);
  answer_error(mediator->listener, call->id, error);
}

static void handle(const struct mediator *mediator, struct caller *caller, const struct seccomp_notif *call) {
  const struct notify_row *row = find_row(mediator->plan, &call->data);
  if (row == NULL) {
    answer_error(mediator->listener, call->id, EPERM);
    return;
  }
  switch (row->handler) {
    case HANDLER_CONNECT: connect_for(mediator, caller, call); return;
    case HANDLER_SOCKET: births_make(mediator, caller, call); return;
    case HANDLER_BIND:
      if (mediator->settings->platform) bind_held(mediator, caller, call, row);
      else bind_for(mediator, caller, call);
      return;
    case HANDLER_DATAGRAM:
      if (mediator->settings->platform) datagrams_send(mediator, caller, call);
      else send_for(mediator, caller, call);
      return;
    case HANDLER_RECEIVE: datagrams_receive(mediator, caller, call); return;
    case HANDLER_LISTEN:
      if (mediator->settings->platform) listen_held(mediator, caller, call, row);
      else listen_for(mediator, caller, call);
      return;
    case HANDLER_EPOLL:
      /* No pointer and no socket in it: the only call that may always go on. */
      epolls_created(caller);
      answer_go_on(mediator->listener, call->id);
      return;
    case HANDLER_INTERFACE: {
      int error = interface_answer(caller, mediator->inner, (uint32_t)call->data.args[1], call->data.args[2]);
      if (error == EPERM) refuse(mediator, caller, call, row);
      else answer_error(mediator->listener, call->id, error);
      return;
    }
    case HANDLER_NETLINK:
      if ((int)call->data.args[2] == NETLINK_ROUTE) netlink_socket_for(mediator, call);
      else refuse(mediator, caller, call, row);
      return;
    case HANDLER_SIGNAL:
      if (signal_for(mediator, caller, call) != 0) refuse(mediator, caller, call, row);
      return;
    case HANDLER_WATCH:
      if (watch_for(mediator, caller, call) != 0) refuse(mediator, caller, call, row);
      return;
    case HANDLER_ATTRIBUTES:
      if (attributes_for(mediator, caller, call) != 0) refuse(mediator, caller, call, row);
      return;
    case HANDLER_OWN_THREAD:
      /* The arguments are registers: nobody can change them between this look and the call. */
      if (row->thread <= 5 && caller_owns_thread(caller, (pid_t)call->data.args[row->thread]))
        answer_go_on(mediator->listener, call->id);
      else refuse(mediator, caller, call, row);
      return;
    default: refuse(mediator, caller, call, row);
  }
}

bool mediate_receive(struct mediator *mediator) {
  const struct seccomp_notif *call = answer_receive(mediator->listener);
  if (call == NULL) return errno == EINTR || errno == ENOENT || errno == EAGAIN;
  struct caller caller;
  if (!caller_open(&caller, (pid_t)call->pid)) {
    /* It is gone, or is none of this pid namespace, or we have no descriptor left to look at it with. */
    caller.tgid = caller.tid;
    if (answer_wanted(mediator->listener, call->id)) denials_unobservable(mediator, &caller, call);
    return true;
  }
  handle(mediator, &caller, call);
  caller_close(&caller);
  return true;
}
