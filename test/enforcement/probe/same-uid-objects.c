/* On what the neighbour holds: sockets, objects of IPC, files, its terminal, and what belongs to the user as a whole. */
#define _GNU_SOURCE
#include "same-uid.h"
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define NR_pidfd_send_signal 424
#define PIDFD_OF_PEER 77              /* SO_PEERPIDFD */
#define NET_NAMESPACE_OF_PIDFD 0xff04 /* PIDFD_GET_NET_NAMESPACE */

static const char *path_of(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", neighbour.directory, name);
  return path;
}

/* Its name is its count of signals (neighbour.c). */
static int signals_seen(void) {
  char text[32] = "";
  int count = -1;
  int file = open_in_proc(neighbour.self.pid, "comm", O_RDONLY);
  if (file < 0 || read(file, text, sizeof text - 1) <= 0 || sscanf(text, "neighbour %d", &count) != 1)
    broken("the name of the neighbour");
  close(file);
  return count;
}
/* What kill(2) answers says nothing: it is 0 as soon as there is anybody. */
static long signal_all(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  int before = signals_seen();
  kill(-1, SIGCONT);
  for (int i = 0; i < 20; i++) {
    if (is_pending(neighbour.self.pid, SIGCONT) || signals_seen() != before) return 0;
    nanosleep(&(struct timespec){0, 5000000}, NULL);
  }
  errno = ETIMEDOUT;
  return -1;
}

static socklen_t address(struct sockaddr_un *name, const char *detail, const char *last) {
  name->sun_family = AF_UNIX;
  char *text = name->sun_path;
  size_t room = sizeof name->sun_path;
  int length = *detail == 'a' ? snprintf(text + 1, room - 1, "%s%s", neighbour.tag, *last == 's' ? "" : "-datagram") + 1
                              : snprintf(text, room, "%s", path_of(last));
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length);
}
static long connect_to(const struct victim *v, const char *detail) {
  (void)v;
  struct sockaddr_un name = {0};
  socklen_t length = address(&name, detail, "socket");
  int file = socket(AF_UNIX, SOCK_STREAM, 0);
  return file < 0 ? -1 : connect(file, (struct sockaddr *)&name, length);
}
static long send_to(const struct victim *v, const char *detail) {
  (void)v;
  struct sockaddr_un name = {0};
  socklen_t length = address(&name, detail, "datagram");
  int file = socket(AF_UNIX, SOCK_DGRAM, 0);
  return file < 0 ? -1 : sendto(file, "x", 1, 0, (struct sockaddr *)&name, length);
}
/* An end of a pair can send to others as well. */
static long send_from_pair(const struct victim *v, const char *detail) {
  (void)v;
  struct sockaddr_un name = {0};
  socklen_t length = address(&name, detail, "datagram");
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0) return -1;
  return sendto(ends[0], "x", 1, 0, (struct sockaddr *)&name, length);
}
/* Of whoever made the socket that is standard input, where it is one, or else listens on the neighbour's. */
static int peer_pidfd(void) {
  int pidfd = -1;
  socklen_t length = sizeof pidfd;
  if (getsockopt(0, SOL_SOCKET, PIDFD_OF_PEER, &pidfd, &length) == 0) return pidfd;
  struct sockaddr_un name = {0};
  socklen_t size = address(&name, "path", "socket");
  int file = socket(AF_UNIX, SOCK_STREAM, 0);
  if (file < 0 || connect(file, (struct sockaddr *)&name, size) < 0) return -1;
  return getsockopt(file, SOL_SOCKET, PIDFD_OF_PEER, &pidfd, &length) == 0 ? pidfd : -1;
}
static long signal_peer(const struct victim *v, const char *detail) {
  (void)v;
  int pidfd = peer_pidfd();
  if (pidfd < 0) return -1;
  return *detail == 's' ? syscall(NR_pidfd_send_signal, pidfd, 0, NULL, 0)
                        : (long)ioctl(pidfd, NET_NAMESPACE_OF_PIDFD, 0);
}

static long make_socket(const struct victim *v, const char *detail) {
  (void)v;
  int family = 0;
  int type = 0;
  int protocol = 0;
  if (sscanf(detail, "%d %d %d", &family, &type, &protocol) != 3) broken(detail);
  return socket(family, type, protocol);
}

static long attach_memory(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  int id = shmget(neighbour.key, 0, 0);
  return id < 0 ? -1 : shmat(id, NULL, 0) == (void *)-1 ? -1 : 0;
}
static long make_memory(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  return id < 0 ? -1 : shmctl(id, IPC_RMID, NULL);
}
/* Goes through the table, as ipcs(1) does. */
static long list_memory(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  struct shmid_ds found;
  for (int i = 0; i < 4096; i++) {
    if (shmctl(i, SHM_STAT, &found) >= 0) return 0;
    if (errno == EPERM || errno == ENOSYS) return -1;
  }
  return -1;
}
static long use_semaphore(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  struct sembuf up = {0, 1, IPC_NOWAIT};
  int id = semget(neighbour.key, 0, 0);
  return id < 0 ? -1 : semop(id, &up, 1);
}
static long send_message(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  struct msgbuf message = {.mtype = 1};
  int id = msgget(neighbour.key, 0);
  if (id < 0) return -1;
  if (msgsnd(id, &message, 1, IPC_NOWAIT) < 0) return -1;
  return msgrcv(id, &message, 1, 0, IPC_NOWAIT);
}
static long open_queue(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  char name[64];
  snprintf(name, sizeof name, "/%s", neighbour.tag);
  return mq_open(name, O_RDWR);
}
static long open_shared(const struct victim *v, const char *detail) {
  (void)v;
  char name[64];
  snprintf(name, sizeof name, "/%s", neighbour.tag);
  return shm_open(name, *detail == 'r' ? O_RDONLY : O_RDWR, 0);
}

#define USER_KEYRING (-4)
static long keyring(const struct victim *v, const char *detail) {
  (void)v;
  if (*detail == 'f') return syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, USER_KEYRING, 1);
  if (*detail == 'r') {
    long found = syscall(SYS_request_key, "user", neighbour.tag, NULL, 0);
    return found < 0 && errno == ENOKEY ? 0 : found;
  }
  long made = syscall(SYS_add_key, "user", neighbour.tag, "x", 1ul, USER_KEYRING);
  if (made < 0) return -1;
  syscall(SYS_keyctl, 9 /* UNLINK */, made, USER_KEYRING);
  return 0;
}

static long open_terminal(const struct victim *v, const char *detail) {
  (void)v;
  return open(neighbour.terminal, (*detail == 'r' ? O_RDONLY : O_WRONLY) | O_NOCTTY | O_NONBLOCK);
}
/* On a terminal of its own; where none can be made, on whatever standard input is: the filter does not look. */
static long type_character_now(char **a) {
  (void)a;
  char character = 'x';
  int terminal = new_terminal();
  return syscall(SYS_ioctl, terminal < 0 ? 0 : terminal, TIOCSTI, &character);
}
static long type_character(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  return in_child(type_character_now, NULL);
}

static long fault_handler(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  return syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);
}

static long open_file(const struct victim *v, const char *detail) {
  (void)v;
  return open(path_of("file"), *detail == 'r' ? O_RDONLY : *detail == 'w' ? O_WRONLY : O_WRONLY | O_TRUNC);
}
static long watch(const struct victim *v, const char *name) {
  (void)v;
  return inotify_add_watch(inotify_init1(IN_CLOEXEC), path_of(name), IN_OPEN | IN_MODIFY);
}
static long mark(const struct victim *v, const char *name) {
  (void)v;
  int group = (int)syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | 0x200 /* FAN_REPORT_FID */, O_RDONLY);
  if (group < 0) return -1;
  return syscall(SYS_fanotify_mark, group, FAN_MARK_ADD, (unsigned long)FAN_MODIFY, AT_FDCWD, path_of(name));
}
static long change_mode(const struct victim *v, const char *name) {
  (void)v;
  return chmod(path_of(name), 0600);
}
static long change_times(const struct victim *v, const char *name) {
  (void)v;
  return utimensat(AT_FDCWD, path_of(name), NULL, 0);
}
static long change_attribute(const struct victim *v, const char *name) {
  (void)v;
  return setxattr(path_of(name), "user.same-uid", "x", 1, 0);
}
static long link_file(const struct victim *v, const char *name) {
  (void)v;
  char own[] = "same-uid-link";
  unlink(own);
  if (link(path_of(name), own) < 0) return -1;
  return unlink(own);
}
static long make_file(const struct victim *v, const char *name) {
  (void)v;
  int made = open(path_of(name), O_CREAT | O_EXCL | O_WRONLY, 0600);
  return made < 0 ? -1 : unlink(path_of(name));
}

const struct attack OBJECT_ATTACKS[] = {
    {"kill-all", signal_all, ""},
    {"abstract-connect", connect_to, "abstract"},
    {"abstract-send", send_to, "abstract"},
    {"abstract-send-from-pair", send_from_pair, "abstract"},
    {"path-connect", connect_to, "path"},
    {"path-send", send_to, "path"},
    {"path-send-from-pair", send_from_pair, "path"},
    {"peer-signal", signal_peer, "signal"},
    {"peer-namespace", signal_peer, "namespace"},
    {"shared-memory-attach", attach_memory, ""},
    {"shared-memory-make", make_memory, ""},
    {"shared-memory-list", list_memory, ""},
    {"semaphore", use_semaphore, ""},
    {"message-queue", send_message, ""},
    {"posix-queue", open_queue, ""},
    {"posix-memory-read", open_shared, "read"},
    {"posix-memory-write", open_shared, "write"},
    {"keyring-find", keyring, "find"},
    {"keyring-add", keyring, "add"},
    {"keyring-request", keyring, "request"},
    {"terminal-read", open_terminal, "read"},
    {"terminal-write", open_terminal, "write"},
    {"tiocsti", type_character, ""},
    {"userfaultfd", fault_handler, ""},
    {"vsock", make_socket, "40 1 0"},
    {"netlink-sock-diag", make_socket, "16 3 4"},
    {"netlink-xfrm", make_socket, "16 3 6"},
    {"netlink-audit", make_socket, "16 3 9"},
    {"netlink-netfilter", make_socket, "16 3 12"},
    {"netlink-uevent", make_socket, "16 3 15"},
    {"netlink-generic", make_socket, "16 3 16"},
    {"file-read", open_file, "read"},
    {"file-write", open_file, "write"},
    {"file-truncate", open_file, "truncate"},
    {"file-make", make_file, "made"},
    {"file-link", link_file, "file"},
    {"file-mode", change_mode, "file"},
    {"file-times", change_times, "file"},
    {"file-attribute", change_attribute, "file"},
    {"inotify-file", watch, "file"},
    {"inotify-directory", watch, "."},
    {"fanotify", mark, "file"},
    {0},
};
