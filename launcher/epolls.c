#define _GNU_SOURCE
#include "epolls.h"
#include "sys.h"
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAX_PROCESSES 256
#define MAX_SETS 16
#define KCMP_EPOLL_TFD_TYPE 7

struct process {
  pid_t tgid;
  bool stale;
  unsigned count;
  int sets[MAX_SETS]; /* descriptor numbers of the process */
  uint64_t used;
};

static struct process table[MAX_PROCESSES];
static uint64_t clock_hand;
static bool any; /* whether any process here ever made a set */

static struct process *find(pid_t tgid) {
  struct process *oldest = &table[0];
  for (unsigned i = 0; i < MAX_PROCESSES; i++) {
    if (table[i].tgid == tgid) return &table[i];
    if (table[i].used < oldest->used) oldest = &table[i];
  }
  *oldest = (struct process){.tgid = tgid, .stale = true};
  return oldest;
}

void epolls_created(const struct caller *caller) {
  any = true;
  find(caller->tgid)->stale = true;
}

/* Looks through all descriptors: costs in proportion to their number, so it is done when the list is old only. */
static void scan(const struct caller *caller, struct process *process) {
  int fd = openat(caller->proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *descriptors = fd < 0 ? NULL : fdopendir(fd);
  process->count = 0;
  process->stale = false;
  if (descriptors == NULL) {
    if (fd >= 0) close(fd);
    return;
  }
  struct dirent *entry;
  while (process->count < MAX_SETS && (entry = readdir(descriptors)) != NULL) {
    char target[32];
    if (entry->d_name[0] == '.') continue;
    ssize_t length = readlinkat(dirfd(descriptors), entry->d_name, target, sizeof target);
    if (length == 22 && memcmp(target, "anon_inode:[eventpoll]", 22) == 0)
      process->sets[process->count++] = atoi(entry->d_name);
  }
  closedir(descriptors);
}

/* Whether `file` (ours) is what the caller registered under `number` in its set. */
static bool is_registered(const struct caller *caller, int set, int number, int file) {
  const pid_t self = getpid();
  for (uint32_t nth = 0; nth < 8; nth++) {
    struct {
      uint32_t efd;
      uint32_t tfd;
      uint32_t toff;
    } slot = {(uint32_t)set, (uint32_t)number, nth};
    long result = syscall(SYS_kcmp, self, caller->tgid, KCMP_EPOLL_TFD_TYPE, (unsigned long)file, &slot);
    if (result == 0) return true;
    if (result < 0) return errno != ENOENT; /* not to be had (container, Yama): the fdinfo decides */
  }
  return false;
}

/* Events and data of the registration of inode `inode` under `number`: a line of the set's fdinfo (proc_pid_fdinfo(5)). */
static bool read_registration(const struct caller *caller, int set, int number, ino_t inode, struct epoll_event *event) {
  char path[32];
  snprintf(path, sizeof path, "fdinfo/%d", set);
  int fd = openat(caller->proc, path, O_RDONLY | O_CLOEXEC);
  FILE *info = fd < 0 ? NULL : fdopen(fd, "r");
  if (info == NULL) {
    if (fd >= 0) close(fd);
    return false;
  }
  char line[256];
  bool found = false;
  while (!found && fgets(line, sizeof line, info) != NULL) {
    int tfd;
    unsigned events;
    unsigned long long data;
    unsigned long ino;
    if (sscanf(line, "tfd: %d events: %x data: %llx pos:%*d ino:%lx", &tfd, &events, &data, &ino) != 4) continue;
    if (tfd != number || ino != inode) continue;
    event->events = events;
    event->data.u64 = data;
    found = true;
  }
  fclose(info);
  return found;
}

/* Takes the old socket out of the set and puts the new one in, both under the caller's number: a set knows its members
   by file and number. The old one must go, since a process that was forked before may hold it for long. `number` is free
   in this process. */
static bool exchange(int set, int number, int file, int replacement, struct epoll_event *event) {
  if (dup2(file, number) != number) return false;
  epoll_ctl(set, EPOLL_CTL_DEL, number, event);
  if (dup2(replacement, number) != number) return false;
  return epoll_ctl(set, EPOLL_CTL_ADD, number, event) == 0 || errno == EEXIST;
}

/* The number is in use here: a process of its own has its own numbers. */
static void exchange_elsewhere(int set, int number, int file, int replacement, struct epoll_event *event) {
  pid_t child = fork();
  if (child == 0) {
    int above = number + 1;
    int set_copy = fcntl(set, F_DUPFD, above);
    int file_copy = fcntl(file, F_DUPFD, above);
    int replacement_copy = fcntl(replacement, F_DUPFD, above);
    bool copied = set_copy >= 0 && file_copy >= 0 && replacement_copy >= 0;
    _exit(copied && exchange(set_copy, number, file_copy, replacement_copy, event) ? 0 : 1);
  }
  while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
}

static void register_under(int set, int number, int file, int replacement, struct epoll_event *event) {
  if (fcntl(number, F_GETFD) >= 0) {
    exchange_elsewhere(set, number, file, replacement, event);
    return;
  }
  exchange(set, number, file, replacement, event);
  close(number); /* the registration lives on: the caller's own descriptor holds the file */
}

void epolls_transplant(const struct caller *caller, int number, int file, int replacement) {
  struct stat st;
  if (!any || fstat(file, &st) < 0) return;
  struct process *process = find(caller->tgid);
  process->used = ++clock_hand;
  if (process->stale) scan(caller, process);
  for (unsigned i = 0; i < process->count; i++) {
    struct epoll_event event;
    if (!is_registered(caller, process->sets[i], number, file)) continue;
    if (!read_registration(caller, process->sets[i], number, st.st_ino, &event)) continue;
    int set = caller_file(caller, process->sets[i]);
    if (set < 0) {
      process->stale = true;
      continue;
    }
    register_under(set, number, file, replacement, &event);
    close(set);
  }
}
