#define _GNU_SOURCE
#include "ids.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Above what distributions give to accounts, services, containers and subordinate ids (systemd's UIDS-GIDS table). */
#define UNUSED_FIRST 1879200000u
#define UNUSED_COUNT 65536u

/* Whether some process of the host runs under this id: /proc/PID belongs to it. */
static bool has_processes(uid_t uid) {
  DIR *proc = opendir("/proc");
  if (proc == NULL) return true;
  bool found = false;
  struct dirent *entry;
  while (!found && (entry = readdir(proc)) != NULL) {
    struct stat st;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    found = fstatat(dirfd(proc), entry->d_name, &st, 0) == 0 && st.st_uid == uid;
  }
  closedir(proc);
  return found;
}

bool ids_choose(const struct settings_row *settings, struct host_ids *ids, struct failure *failure) {
  *ids = (struct host_ids){.uid = geteuid(), .gid = getegid(), .drop = false};
  if (settings->host_kind == HOST_KIND_CALLER) {
    if (ids->uid != 0) return true;
    errno = EPERM; /* never uid 0 of the host for the workload */
    return fail(failure, STEP_DROP_IDS, NO_ROW);
  }
  if (ids->uid != 0) {
    errno = EPERM;
    return fail(failure, STEP_DROP_IDS, NO_ROW);
  }
  ids->drop = true;
  if (settings->host_kind == HOST_KIND_DROP) {
    ids->uid = settings->host_uid;
    ids->gid = settings->host_gid;
    errno = EINVAL;
    return (ids->uid != 0 && ids->gid != 0) || fail(failure, STEP_DROP_IDS, NO_ROW);
  }
  for (int attempt = 0; attempt < 16; attempt++) {
    uint32_t random;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) break;
    ids->uid = UNUSED_FIRST + random % UNUSED_COUNT;
    ids->gid = ids->uid;
    if (!has_processes(ids->uid)) return true;
  }
  errno = EAGAIN;
  return fail(failure, STEP_DROP_IDS, NO_ROW);
}

bool ids_drop(const struct host_ids *ids, struct failure *failure) {
  if (!ids->drop) return true;
  if (setgroups(0, NULL) < 0 || setresgid(ids->gid, ids->gid, ids->gid) < 0 ||
      setresuid(ids->uid, ids->uid, ids->uid) < 0)
    return fail(failure, STEP_DROP_IDS, NO_ROW);
  uid_t real;
  uid_t effective;
  uid_t saved;
  if (getresuid(&real, &effective, &saved) < 0 || real != ids->uid || effective != ids->uid || saved != ids->uid ||
      setuid(0) == 0) {
    errno = EPERM;
    return fail(failure, STEP_DROP_IDS, NO_ROW);
  }
  /* The change of ids made us undumpable; the maps of our child could then not be written. Undone once they are. */
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  return true;
}

static bool write_map(pid_t child, const char *name, const char *text, int length) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", child, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool good = write(fd, text, (size_t)length) == length;
  int saved = errno;
  close(fd);
  errno = saved;
  return good;
}

bool ids_map(const struct settings_row *settings, const struct host_ids *ids, pid_t child, struct failure *failure) {
  char line[64];
  int length = snprintf(line, sizeof line, "%u %u 1\n", settings->inside_uid, ids->uid);
  if (!write_map(child, "uid_map", line, length)) return fail(failure, STEP_ID_MAP, 0);
  if (!write_map(child, "setgroups", "deny", 4)) return fail(failure, STEP_ID_MAP, 1);
  length = snprintf(line, sizeof line, "%u %u 1\n", settings->inside_gid, ids->gid);
  if (!write_map(child, "gid_map", line, length)) return fail(failure, STEP_ID_MAP, 2);
  return true;
}
