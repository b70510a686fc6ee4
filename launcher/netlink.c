#define _GNU_SOURCE
#include "netlink.h"
#include "answer.h"
#include "births.h"
#include "descriptors.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

/* struct nlmsghdr: nlmsg_type, as this machine orders its bytes, read as a filter does: in network order. */
#define TYPE_OFFSET 4
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define AS_LOADED(type) (uint32_t)(((type) & 0xff) << 8 | (type) >> 8)
#else
#define AS_LOADED(type) (uint32_t)(type)
#endif

/* All messages of one buffer are of one kind, but for the end of a dump. The filter is on what the kernel sends: the
   program could change a request after a look at it. */
static bool hear_interfaces_only(int socket) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE_OFFSET),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(RTM_NEWLINK), 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(RTM_NEWADDR), 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(NLMSG_ERROR), 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AS_LOADED(NLMSG_DONE), 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 1),
      BPF_STMT(BPF_RET | BPF_K, ~0u),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  int locked = 1;
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 &&
         setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &locked, sizeof locked) == 0;
}

void netlink_socket_for(const struct mediator *mediator, const struct seccomp_notif *call) {
  int type = (int)call->data.args[1];
  int made = descriptors_lift(socket(AF_NETLINK, type | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (made < 0 || !hear_interfaces_only(made)) {
    answer_error(mediator->listener, call->id, errno);
    if (made >= 0) close(made);
    return;
  }
  int error = answer_descriptor(mediator->listener, call->id, made, 0, type & SOCK_CLOEXEC ? O_CLOEXEC : 0);
  if (error != 0) answer_error(mediator->listener, call->id, error);
  else if (mediator->settings->platform && births_keep(mediator, made, AF_NETLINK, type) != NULL) return;
  close(made);
}
