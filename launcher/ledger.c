#define _GNU_SOURCE
#include "ledger.h"
#include "caller.h"
#include "descriptors.h"
#include "sockets.h"
#include "tree.h"
#include "waiting.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENTRIES 16384
/* A socket on its way from one process to another is in neither for a moment. */
#define PASSES 12
#define PAUSE_NS 4000000

struct entry {
  uint64_t inode; /* 0: free */
  uint32_t token;
  bool live;
  bool doomed;
};

static struct entry table[MAX_ENTRIES];
static unsigned high; /* all places from here on are free */
static int set = -1;
static FILE *members; /* of the set, as /proc tells them */

bool ledger_start(void) {
  char path[48];
  set = descriptors_lift(epoll_create1(EPOLL_CLOEXEC));
  if (set < 0) return false;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", set);
  members = fopen(path, "re");
  return members != NULL;
}

void ledger_leave(void) {
  if (members != NULL) fclose(members);
  if (set >= 0) close(set);
  members = NULL;
  set = -1;
}

/* Lines `tfd: N events: M data: SLOT pos:… ino:INODE …`, of which the numbers from `events` on are hexadecimal. */
static bool look_for_live(void) {
  char line[256];
  for (unsigned i = 0; i < high; i++) table[i].live = false;
  rewind(members);
  while (fgets(line, sizeof line, members) != NULL) {
    unsigned long long slot;
    unsigned long long inode;
    if (sscanf(line, "tfd: %*d events: %*x data: %llx pos:%*d ino:%llx", &slot, &inode) != 2) continue;
    if (slot < high && table[slot].inode == inode) table[slot].live = true;
  }
  bool whole = ferror(members) == 0;
  clearerr(members);
  return whole;
}

/* Forgets connections that every process of the sandbox has closed. */
static void sweep(void) {
  if (!look_for_live()) return;
  for (unsigned i = high; i-- > 0;) {
    if (!table[i].live) table[i].inode = 0;
    if (table[i].inode == 0 && i + 1 == high) high--;
  }
}

static struct entry *place_for(uint64_t inode) {
  struct entry *empty = NULL;
  for (unsigned i = 0; i < high; i++) {
    if (table[i].inode == inode) return &table[i];
    if (table[i].inode == 0 && empty == NULL) empty = &table[i];
  }
  if (empty != NULL) return empty;
  return high < MAX_ENTRIES ? &table[high++] : NULL;
}

bool ledger_add(uint32_t token, int file) {
  struct stat st;
  if (set < 0 || fstat(file, &st) < 0 || st.st_ino == 0) return false;
  struct entry *entry = place_for(st.st_ino);
  if (entry == NULL) {
    sweep();
    entry = place_for(st.st_ino);
  }
  if (entry == NULL) return false;
  *entry = (struct entry){.inode = st.st_ino, .token = token};
  struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = (uint64_t)(entry - table)};
  if (epoll_ctl(set, EPOLL_CTL_ADD, file, &event) == 0) return true;
  if (errno == EEXIST && epoll_ctl(set, EPOLL_CTL_MOD, file, &event) == 0) return true;
  entry->inode = 0;
  return false;
}

/* Resets the connection (connect(2) to AF_UNSPEC): what waits in its buffers goes nowhere, and whoever waits for it learns. */
static void cut(int file) {
  struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  if (getsockopt(file, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return;
  if (info.tcpi_state == TCP_CLOSE || info.tcpi_state == TCP_LISTEN) return;
  if (connect(file, &nowhere, sizeof nowhere) == 0) return;
  /* Some kernels do not while another thread waits for it (EBUSY): that thread is woken first. */
  shutdown(file, SHUT_RDWR);
  connect(file, &nowhere, sizeof nowhere);
}

/* Those that are to be ended, by their inodes. */
static struct entry *doomed[MAX_ENTRIES];
static unsigned doomed_count;

static int by_inode(const void *a, const void *b) {
  const struct entry *x = *(struct entry *const *)a;
  const struct entry *y = *(struct entry *const *)b;
  return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static struct entry *doomed_by_inode(uint64_t inode) {
  const struct entry wanted = {.inode = inode};
  const struct entry *key = &wanted;
  struct entry **found = inode == 0 ? NULL : bsearch(&key, doomed, doomed_count, sizeof *doomed, by_inode);
  return found != NULL && (*found)->doomed ? *found : NULL;
}

/* How many connections are still to be ended. */
static uint32_t list_doomed(void) {
  bool known = look_for_live();
  doomed_count = 0;
  for (unsigned i = 0; i < high; i++) {
    if (known && !table[i].live) table[i].doomed = false;
    if (table[i].inode != 0 && table[i].doomed) doomed[doomed_count++] = &table[i];
  }
  qsort(doomed, doomed_count, sizeof *doomed, by_inode);
  return doomed_count;
}

/* What a process's descriptor is about, if that is to be ended. */
static void end_descriptor(const struct mediator *mediator, const struct caller *owner, const char *name, int directory,
                           struct ledger_outcome *outcome) {
  struct stat st;
  struct entry *entry = doomed_by_inode(socket_inode(directory, name));
  if (entry == NULL) return;
  int file = caller_file(owner, atoi(name));
  if (file < 0) {
    /* Neither closed meanwhile nor ours to take: some container profiles allow nobody pidfd_getfd(2). */
    if (errno != EBADF && errno != ESRCH && owner->tgid != mediator->top && kill(owner->tgid, SIGKILL) == 0) outcome->killed++;
    return;
  }
  if (fstat(file, &st) == 0 && st.st_ino == entry->inode) {
    cut(file);
    entry->doomed = false;
    outcome->closed++;
  }
  close(file);
}

static void end_in_task(const struct mediator *mediator, pid_t task, struct ledger_outcome *outcome) {
  struct caller owner;
  if (!caller_open(&owner, task)) return;
  int fd = openat(owner.proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *files = fd < 0 ? NULL : fdopendir(fd);
  struct dirent *file;
  if (files == NULL && fd >= 0) close(fd);
  while (files != NULL && (file = readdir(files)) != NULL)
    if (file->d_name[0] != '.') end_descriptor(mediator, &owner, file->d_name, dirfd(files), outcome);
  if (files != NULL) closedir(files);
  caller_close(&owner);
}

/* Threads may have tables of their own. */
static void end_in_threads(const struct mediator *mediator, pid_t process, struct ledger_outcome *outcome) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/task", process);
  DIR *tasks = opendir(path);
  struct dirent *task;
  if (tasks == NULL) return;
  while ((task = readdir(tasks)) != NULL)
    if (task->d_name[0] != '.') end_in_task(mediator, (pid_t)atol(task->d_name), outcome);
  closedir(tasks);
}

static void end_waiting(const struct mediator *mediator, struct ledger_outcome *outcome) {
  struct waiting *waiting;
  for (uint64_t slot = 0; (waiting = waiting_at(slot)) != NULL; slot++) {
    struct stat st;
    if (waiting->state != WAITING_HANDSHAKE || waiting->token == 0 || fstat(waiting_polled(waiting), &st) < 0) continue;
    struct entry *entry = doomed_by_inode(st.st_ino);
    if (entry == NULL) continue;
    cut(waiting_polled(waiting));
    entry->doomed = false;
    outcome->closed++;
    waiting_finish(mediator, waiting, EACCES);
  }
}

static int by_number(const void *a, const void *b) {
  uint32_t x, y;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  return x < y ? -1 : x > y;
}

struct ledger_outcome ledger_keep_only(const struct mediator *mediator, uint32_t *tokens, size_t count) {
  struct ledger_outcome outcome = {0};
  qsort(tokens, count, sizeof *tokens, by_number);
  for (unsigned i = 0; i < high; i++)
    table[i].doomed = table[i].inode != 0 && bsearch(&table[i].token, tokens, count, sizeof *tokens, by_number) == NULL;
  list_doomed();
  end_waiting(mediator, &outcome);
  for (unsigned pass = 0; (outcome.surviving = list_doomed()) > 0 && pass < PASSES; pass++) {
    const pid_t *processes;
    if (pass > 0) nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    unsigned length = tree_list(mediator->top, &processes);
    for (unsigned i = 0; i < length; i++) {
      if (pass == 0) end_in_task(mediator, processes[i], &outcome);
      else end_in_threads(mediator, processes[i], &outcome);
    }
  }
  return outcome;
}
