#define _GNU_SOURCE
#include "cgroup.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int cgroup_open(const char *path) {
  if (*path == 0) return CGROUP_NONE;
  int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -1;
  int processes = openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  close(directory);
  return processes;
}

bool cgroup_join(int cgroup, pid_t process) {
  char number[16];
  if (cgroup == CGROUP_NONE) return true;
  int length = snprintf(number, sizeof number, "%d", process);
  bool good = write(cgroup, number, (size_t)length) == length;
  close(cgroup);
  return good;
}
