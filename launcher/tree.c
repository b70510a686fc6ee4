#define _GNU_SOURCE
#include "tree.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool tree_read_file(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  size_t length = 0;
  ssize_t got;
  while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0) length += (size_t)got;
  close(fd);
  text[length] = 0;
  return length > 0;
}

static void add_children(pid_t pid, pid_t *list, unsigned *count) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (tasks == NULL) return;
  struct dirent *entry;
  while ((entry = readdir(tasks)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    static char text[65536];
    char children[96];
    snprintf(children, sizeof children, "/proc/%d/task/%.20s/children", pid, entry->d_name);
    if (!tree_read_file(children, text, sizeof text)) continue;
    for (char *at = text; *count < MAX_TREE;) {
      char *end;
      long child = strtol(at, &end, 10);
      if (end == at) break;
      list[(*count)++] = (pid_t)child;
      at = end;
    }
  }
  closedir(tasks);
}

unsigned tree_list(pid_t top, const pid_t **list) {
  static pid_t found[MAX_TREE];
  unsigned count = 1;
  found[0] = top;
  for (unsigned i = 0; i < count; i++) add_children(found[i], found, &count);
  *list = found;
  return count;
}

unsigned tree_threads(pid_t pid) {
  char path[64];
  char text[4096];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  if (!tree_read_file(path, text, sizeof text)) return 0;
  const char *at = strstr(text, "\nThreads:");
  return at == NULL ? 0 : (unsigned)strtoul(at + 9, NULL, 10);
}

unsigned tree_tasks(pid_t top) {
  const pid_t *list;
  unsigned count = tree_list(top, &list);
  unsigned tasks = 0;
  for (unsigned i = 0; i < count; i++) tasks += tree_threads(list[i]);
  return tasks;
}

unsigned tree_tasks_of_user(uid_t uid) {
  DIR *proc = opendir("/proc");
  unsigned tasks = 0;
  struct dirent *entry;
  if (proc == NULL) return 0;
  while ((entry = readdir(proc)) != NULL) {
    struct stat st;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (fstatat(dirfd(proc), entry->d_name, &st, 0) == 0 && st.st_uid == uid) tasks += tree_threads((pid_t)atol(entry->d_name));
  }
  closedir(proc);
  return tasks;
}

void tree_kill_below_self(void) {
  for (;;) {
    const pid_t *list;
    unsigned count = tree_list(getpid(), &list);
    for (unsigned i = 1; i < count; i++) kill(list[i], SIGKILL);
    /* One at least ends; what it leaves behind becomes our own child. */
    pid_t ended = waitpid(-1, NULL, count > 1 ? 0 : WNOHANG);
    if (ended < 0 && errno == ECHILD) return;
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
  }
}
