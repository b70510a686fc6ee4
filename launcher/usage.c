#define _GNU_SOURCE
#include "usage.h"
#include "tree.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t kilobytes(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static uint64_t memory_of(pid_t pid) {
  char path[64];
  char text[4096];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  if (tree_read_file(path, text, sizeof text))
    return 1024 * (kilobytes(text, "Pss_Anon:") + kilobytes(text, "Pss_Shmem:") + kilobytes(text, "SwapPss:"));
  /* Not readable (an executable that its user may not read): resident anonymous memory, open to all. */
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  return tree_read_file(path, text, sizeof text) ? 1024 * kilobytes(text, "RssAnon:") : 0;
}

/* utime, stime, cutime and cstime of proc_pid_stat(5): own time and that of children already waited for. */
static uint64_t ticks_of(pid_t pid) {
  char path[64];
  char text[1024];
  unsigned long times[4];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (!tree_read_file(path, text, sizeof text)) return 0;
  const char *end = strrchr(text, ')');
  if (end == NULL || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &times[0],
                            &times[1], &times[2], &times[3]) != 4)
    return 0;
  return times[0] + times[1] + times[2] + times[3];
}

struct usage usage_count(pid_t top) {
  const pid_t *list;
  unsigned count = tree_list(top, &list);
  uint64_t ticks = 0;
  struct usage usage = {0};
  for (unsigned i = 0; i < count; i++) {
    usage.memory_bytes += memory_of(list[i]);
    ticks += ticks_of(list[i]);
  }
  usage.cpu_ms = ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
  return usage;
}
