#define _GNU_SOURCE
#include "descriptors.h"
#include "sys.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static int base = 512;
static unsigned most = 1024;

void descriptors_start(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  most = limit.rlim_cur < 1u << 20 ? (unsigned)limit.rlim_cur : 1u << 20;
  /* Above what a sandbox may open by default (RLIMIT_NOFILE 65536), where the limit lets us. */
  if (limit.rlim_cur >= 131072) base = 65536;
  else if (limit.rlim_cur >= 2048) base = (int)(limit.rlim_cur / 2);
}

unsigned descriptors_limit(void) { return most; }

int descriptors_lift(int fd) {
  if (fd < 0 || fd >= base) return fd;
  int high = fcntl(fd, F_DUPFD_CLOEXEC, base);
  if (high < 0) return fd;
  close(fd);
  return high;
}

int descriptors_open_namespace(pid_t process, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", process, name);
  return descriptors_lift(open(path, O_RDONLY | O_CLOEXEC));
}

void descriptors_keep_only(int *fds, int count) {
  for (int i = 0; i < count; i++) {
    /* Out of the way of the numbers that are handed out below. */
    int high = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
    if (high < 0) _exit(1);
    fds[i] = high;
  }
  for (int i = 0; i < count; i++) {
    if (dup3(fds[i], 3 + i, O_CLOEXEC) < 0) _exit(1);
    fds[i] = 3 + i;
  }
  sys_close_range(3 + (unsigned)count, ~0u, 0);
}
