#define _GNU_SOURCE
#include "births.h"
#include "answer.h"
#include "descriptors.h"
#include "sockets.h"
#include "tree.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MAX_BIRTHS 4096
/* Descriptors of the sandbox that are looked at: whoever opens more must not keep the warden from all else. */
#define MAX_LOOKED 100000u
#define TYPE_MASK 0xf /* SOCK_TYPE_MASK of linux/net.h */

static struct birth table[MAX_BIRTHS];
static unsigned high; /* all places from here on are free */

struct birth *births_find(uint64_t inode) {
  for (unsigned i = 0; i < high; i++)
    if (table[i].file >= 0 && table[i].inode == inode) return &table[i];
  return NULL;
}

struct birth *births_by_port(uint16_t port) {
  for (unsigned i = 0; port != 0 && i < high; i++)
    if (table[i].file >= 0 && table[i].attached && socket_port(table[i].file) == port) return &table[i];
  return NULL;
}

static void release(const struct mediator *mediator, struct birth *birth) {
  if (birth->watched) epoll_ctl(mediator->poll, EPOLL_CTL_DEL, birth->file, NULL);
  close(birth->file);
  birth->file = -1;
  while (high > 0 && table[high - 1].file < 0) high--;
}

void births_release(const struct mediator *mediator, uint64_t inode) {
  struct birth *birth = births_find(inode);
  if (birth != NULL) release(mediator, birth);
}

uint64_t births_inode(const struct caller *caller, int number) {
  char name[32];
  errno = EBADF;
  if (number < 0) return 0;
  snprintf(name, sizeof name, "fd/%d", number);
  uint64_t inode = socket_inode(caller->proc, name);
  if (inode == 0 && errno == ENOENT) errno = EBADF;
  return inode;
}

struct birth *births_of(const struct caller *caller, int number) {
  uint64_t inode = births_inode(caller, number);
  if (inode == 0) return NULL;
  struct birth *birth = births_find(inode);
  if (birth == NULL) errno = ENOENT;
  return birth;
}

bool births_sweep(const struct mediator *mediator) {
  static bool used[MAX_BIRTHS];
  const pid_t *list;
  unsigned count = tree_list(mediator->top, &list);
  unsigned looked = 0;
  memset(used, 0, sizeof used);
  for (unsigned i = 0; i < count; i++) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/fd", list[i]);
    DIR *files = opendir(path);
    if (files == NULL) continue;
    struct dirent *entry;
    while (looked < MAX_LOOKED && (entry = readdir(files)) != NULL) {
      looked++;
      const struct birth *birth = births_find(socket_inode(dirfd(files), entry->d_name));
      if (birth != NULL) used[birth - table] = true;
    }
    closedir(files);
  }
  if (looked == MAX_LOOKED) return false;
  bool any = false;
  for (unsigned i = high; i-- > 0;) {
    if (table[i].file < 0 || used[i]) continue;
    release(mediator, &table[i]);
    any = true;
  }
  return any;
}

/* Half of the descriptors that the warden may have: calls that wait need the rest. */
static unsigned most(void) {
  unsigned half = descriptors_limit() / 2;
  return half < MAX_BIRTHS ? half : MAX_BIRTHS;
}

static struct birth *empty_place(void) {
  for (unsigned i = 0; i < high; i++)
    if (table[i].file < 0) return &table[i];
  return high < most() ? &table[high] : NULL;
}

static struct birth *free_place(const struct mediator *mediator) {
  struct birth *place = empty_place();
  return place == NULL && births_sweep(mediator) ? empty_place() : place;
}

/* A free number among those for which the filter has the warden send; 0 for none. */
static int relayed_number(const struct caller *caller) {
  static const int starts[] = RELAYED_STARTS;
  char name[32];
  char text[8];
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
    for (int number = starts[i]; number < starts[i] + RELAYED_COUNT; number++) {
      snprintf(name, sizeof name, "fd/%d", number);
      if (readlinkat(caller->proc, name, text, sizeof text) < 0) return errno == ENOENT ? number : 0;
    }
  }
  return 0;
}

struct birth *births_keep(const struct mediator *mediator, int file, int domain, int type) {
  struct stat st;
  if (fstat(file, &st) < 0) return NULL;
  /* An inode is given again once its socket is gone. */
  births_release(mediator, st.st_ino);
  struct birth *birth = free_place(mediator);
  if (birth == NULL) return NULL;
  *birth = (struct birth){.inode = st.st_ino, .file = file, .domain = domain, .type = type};
  if (birth == &table[high]) high++;
  return birth;
}

/* A datagram socket that cannot send (datagrams.c). */
static int make_mute(int domain, int type) {
  int fd = socket(domain, type | SOCK_CLOEXEC, 0);
  /* Unconnected, the call says ENOTCONN and does it all the same. */
  if (fd < 0 || shutdown(fd, SHUT_WR) == 0 || errno == ENOTCONN) return fd;
  close(fd);
  errno = EACCES;
  return -1;
}

void births_make(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  int domain = (int)call->data.args[0];
  int type = (int)call->data.args[1];
  int protocol = (int)call->data.args[2];
  bool datagrams = (domain == AF_INET || domain == AF_INET6) && (type & TYPE_MASK) == SOCK_DGRAM;
  bool relayed = datagrams && mediator->settings->network_held;
  int file = descriptors_lift(relayed ? make_mute(domain, type) : socket(domain, type | SOCK_CLOEXEC, protocol));
  struct birth *birth = file < 0 ? NULL : births_keep(mediator, file, domain, type & TYPE_MASK);
  if (birth == NULL) {
    answer_error(mediator->listener, call->id, file < 0 ? errno : ENFILE);
    if (file >= 0) close(file);
    return;
  }
  birth->relayed = relayed;
  int number = relayed ? relayed_number(caller) : 0;
  int flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0;
  int error = answer_descriptor(mediator->listener, call->id, file, number, flags);
  if (error == EBADF && number != 0) error = answer_descriptor(mediator->listener, call->id, file, 0, flags); /* it lowered its limit of open files */
  if (error == 0) return;
  release(mediator, birth);
  answer_error(mediator->listener, call->id, error);
}

void births_settled(const struct mediator *mediator, uint64_t inode, int error) {
  struct birth *birth = births_find(inode);
  if (birth == NULL || birth->relayed || birth->type == SOCK_DGRAM) return;
  if (error == 0 || error == EISCONN) {
    release(mediator, birth);
  } else if (error == EINPROGRESS) {
    struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.u64 = BIRTH_POLL_BASE + (uint64_t)(birth - table)};
    int op = birth->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(mediator->poll, op, birth->file, &event) == 0) birth->watched = true;
  }
}

void births_ready(const struct mediator *mediator, uint64_t data) {
  uint64_t slot = data - BIRTH_POLL_BASE;
  if (slot >= high || table[slot].file < 0) return;
  /* SO_ERROR is for the caller to read. */
  if (socket_is_connected(table[slot].file)) release(mediator, &table[slot]);
}
