#define _GNU_SOURCE
#include "change.h"
#include "grants.h"
#include "sys.h"
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Opens what the errand is about. A link of /proc to a file would be one of ours; the caller's own descriptors have been looked
   up before (attributes.c). */
static int hold(const struct errand *errand, int dir, bool *refused) {
  if (errand->how & ERRAND_ITSELF) return fcntl(dir, F_DUPFD_CLOEXEC, 0);
  int flags = O_PATH | O_CLOEXEC | (errand->how & ERRAND_NO_FOLLOW ? O_NOFOLLOW : 0);
  int held = sys_openat2(dir, errand->path, (uint64_t)flags, SYS_RESOLVE_NO_MAGICLINKS);
  if (held >= 0 || errno != ELOOP) return held;
  /* A circle of links, or one of those. */
  held = openat(dir, errand->path, flags);
  *refused = held >= 0 || errno != ELOOP;
  if (held >= 0) close(held);
  return -1;
}

static int change_flags(int held, const struct errand *errand) {
  struct stat st;
  char path[32];
  if (fstat(held, &st) < 0) return errno;
  /* Of other kinds an open could wait, or mean something. */
  if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return ENOTTY;
  snprintf(path, sizeof path, "/proc/self/fd/%d", held);
  int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return errno;
  int error = ioctl(file, errand->number, errand->value) < 0 ? errno : 0;
  close(file);
  return error;
}

static int make(int held, const struct errand *errand) {
  char path[32];
  int result = -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d", held);
  switch ((enum errand_kind)errand->kind) {
    case ERRAND_MODE: result = chmod(path, errand->mode); break;
    case ERRAND_OWNER: result = fchownat(held, "", errand->uid, errand->gid, AT_EMPTY_PATH); break;
    case ERRAND_TIMES: result = utimensat(AT_FDCWD, path, errand->times, 0); break;
    case ERRAND_SET_ATTRIBUTE: result = setxattr(path, errand->name, errand->value, errand->size, (int)errand->number); break;
    case ERRAND_REMOVE_ATTRIBUTE: result = removexattr(path, errand->name); break;
    case ERRAND_FLAGS: return change_flags(held, errand);
    default: errno = EINVAL;
  }
  return result < 0 ? errno : 0;
}

int change_find(const struct errand *errand, int dir, bool *refused) {
  *refused = false;
  int held = hold(errand, dir, refused);
  if (held < 0) return -1;
  *refused = !grants_cover(held, errand->kind == ERRAND_WATCH ? GRANT_READ : GRANT_WRITE);
  if (!*refused) return held;
  close(held);
  return -1;
}

int change_make(const struct errand *errand, int dir, bool *refused) {
  int held = change_find(errand, dir, refused);
  if (held < 0) return *refused ? EACCES : errno;
  int error = make(held, errand);
  close(held);
  return error;
}
