#define _GNU_SOURCE
#include "usage.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TASKS 8192

static bool read_file(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  size_t length = 0;
  ssize_t got;
  while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0) length += (size_t)got;
  close(fd);
  text[length] = 0;
  return length > 0;
}

static uint64_t kilobytes(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static uint64_t memory_of(pid_t pid) {
  char path[64];
  char text[4096];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  if (read_file(path, text, sizeof text))
    return 1024 * (kilobytes(text, "Pss_Anon:") + kilobytes(text, "Pss_Shmem:") + kilobytes(text, "SwapPss:"));
  /* Not readable (an executable that its user may not read): resident anonymous memory, open to all. */
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  return read_file(path, text, sizeof text) ? 1024 * kilobytes(text, "RssAnon:") : 0;
}

/* utime, stime, cutime and cstime of proc_pid_stat(5): own time and that of children already waited for. */
static uint64_t ticks_of(pid_t pid) {
  char path[64];
  char text[1024];
  unsigned long times[4];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (!read_file(path, text, sizeof text)) return 0;
  const char *end = strrchr(text, ')');
  if (end == NULL || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &times[0],
                            &times[1], &times[2], &times[3]) != 4)
    return 0;
  return times[0] + times[1] + times[2] + times[3];
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
    if (!read_file(children, text, sizeof text)) continue;
    for (char *at = text; *count < MAX_TASKS;) {
      char *end;
      long child = strtol(at, &end, 10);
      if (end == at) break;
      list[(*count)++] = (pid_t)child;
      at = end;
    }
  }
  closedir(tasks);
}

struct usage usage_count(pid_t top) {
  static pid_t list[MAX_TASKS];
  unsigned count = 1;
  uint64_t ticks = 0;
  struct usage usage = {0};
  list[0] = top;
  for (unsigned i = 0; i < count; i++) {
    usage.memory_bytes += memory_of(list[i]);
    ticks += ticks_of(list[i]);
    add_children(list[i], list, &count);
  }
  usage.cpu_ms = ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
  return usage;
}
