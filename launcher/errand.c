#define _GNU_SOURCE
#include "errand.h"
#include "denials.h"
#include "sys.h"
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#define NONE (-1)

/* Where the arguments of a call stand. */
struct shape {
  int nr;
  enum errand_kind kind;
  int directory; /* a descriptor: of a directory, or, without a path, of the file */
  int path;
  int flags; /* AT_* */
  int rest;  /* the first of the others */
  bool no_follow;
};

static const struct shape shapes[] = {
    {SYS_utimensat, ERRAND_TIMES, 0, 1, 3, 2, false},
    {SYS_fchmod, ERRAND_MODE, 0, NONE, NONE, 1, false},
    {SYS_fchmodat, ERRAND_MODE, 0, 1, NONE, 2, false},
    {SYS_fchmodat2, ERRAND_MODE, 0, 1, 3, 2, false},
    {SYS_fchown, ERRAND_OWNER, 0, NONE, NONE, 1, false},
    {SYS_fchownat, ERRAND_OWNER, 0, 1, 4, 2, false},
    {SYS_setxattr, ERRAND_SET_ATTRIBUTE, NONE, 0, NONE, 1, false},
    {SYS_lsetxattr, ERRAND_SET_ATTRIBUTE, NONE, 0, NONE, 1, true},
    {SYS_fsetxattr, ERRAND_SET_ATTRIBUTE, 0, NONE, NONE, 1, false},
    {SYS_removexattr, ERRAND_REMOVE_ATTRIBUTE, NONE, 0, NONE, 1, false},
    {SYS_lremovexattr, ERRAND_REMOVE_ATTRIBUTE, NONE, 0, NONE, 1, true},
    {SYS_fremovexattr, ERRAND_REMOVE_ATTRIBUTE, 0, NONE, NONE, 1, false},
    {SYS_ioctl, ERRAND_FLAGS, 0, NONE, NONE, 1, false},
    {SYS_inotify_add_watch, ERRAND_WATCH, NONE, 1, NONE, 2, false},
#ifdef SYS_chmod /* x86_64 */
    {SYS_chmod, ERRAND_MODE, NONE, 0, NONE, 1, false},
    {SYS_chown, ERRAND_OWNER, NONE, 0, NONE, 1, false},
    {SYS_lchown, ERRAND_OWNER, NONE, 0, NONE, 1, true},
    {SYS_utime, ERRAND_TIMES, NONE, 0, NONE, 1, false},
    {SYS_utimes, ERRAND_TIMES, NONE, 0, NONE, 1, false},
    {SYS_futimesat, ERRAND_TIMES, 0, 1, NONE, 2, false},
#endif
};

static const struct shape *shape_of(int nr) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (shapes[i].nr == nr) return &shapes[i];
  return NULL;
}

/* Every function below, down to errand_read, gives 0, or the errno of the call: EACCES alone where the caller cannot be looked at. */

#define READ(caller, address, thing) (caller_read((caller), (address), (thing), sizeof *(thing)) ? 0 : errno)

static int from_microseconds(const struct timeval *values, struct timespec *times) {
  for (int i = 0; i < 2; i++) {
    if (values[i].tv_usec < 0 || values[i].tv_usec >= 1000000) return EINVAL;
    times[i] = (struct timespec){.tv_sec = values[i].tv_sec, .tv_nsec = values[i].tv_usec * 1000};
  }
  return 0;
}

static int read_times(const struct caller *caller, const struct seccomp_data *data, uint64_t address, struct errand *errand) {
  if (address == 0) {
    errand->times[0] = errand->times[1] = (struct timespec){.tv_nsec = UTIME_NOW};
    return 0;
  }
#ifdef SYS_utime
  if (data->nr == SYS_utime) {
    struct utimbuf values;
    int error = READ(caller, address, &values);
    errand->times[0] = (struct timespec){.tv_sec = values.actime};
    errand->times[1] = (struct timespec){.tv_sec = values.modtime};
    return error;
  }
  if (data->nr == SYS_utimes || data->nr == SYS_futimesat) {
    struct timeval values[2];
    int error = READ(caller, address, &values);
    return error == 0 ? from_microseconds(values, errand->times) : error;
  }
#endif
  (void)data;
  return READ(caller, address, &errand->times);
}

static int read_attribute(const struct caller *caller, const uint64_t *args, struct errand *errand) {
  int error = caller_read_text(caller, args[0], errand->name, sizeof errand->name);
  if (error == ENAMETOOLONG || (error == 0 && errand->name[0] == 0)) return ERANGE;
  if (error != 0 || errand->kind == ERRAND_REMOVE_ATTRIBUTE) return error;
  if (args[2] > sizeof errand->value) return E2BIG;
  errand->size = (uint32_t)args[2];
  errand->number = (uint32_t)args[3];
  return errand->size == 0 || caller_read(caller, args[1], errand->value, errand->size) ? 0 : errno;
}

/* What is to be done. */
static int read_rest(const struct caller *caller, const struct shape *shape, const struct seccomp_data *data, struct errand *errand) {
  uint64_t args[5] = {0};
  for (int i = 0; i < 5 && shape->rest + i < 6; i++) args[i] = data->args[shape->rest + i];
  switch (shape->kind) {
    case ERRAND_MODE: errand->mode = (uint32_t)args[0] & 07777; return 0;
    case ERRAND_OWNER:
      errand->uid = (uint32_t)args[0];
      errand->gid = (uint32_t)args[1];
      return 0;
    case ERRAND_TIMES: return read_times(caller, data, args[0], errand);
    case ERRAND_FLAGS:
      errand->number = (uint32_t)args[0];
      errand->size = errand->number == FS_IOC_FSSETXATTR ? sizeof(struct fsxattr) : sizeof(int);
      return caller_read(caller, args[1], errand->value, errand->size) ? 0 : errno;
    case ERRAND_SET_ATTRIBUTE:
    case ERRAND_REMOVE_ATTRIBUTE: return read_attribute(caller, args, errand);
    default: return 0;
  }
}

/* A file of the caller's, O_PATH: by its number, or its working directory. */
static int open_of_caller(const struct caller *caller, int number, int *file) {
  char name[32] = "cwd";
  if (number != AT_FDCWD) snprintf(name, sizeof name, "fd/%d", number);
  *file = number < 0 && number != AT_FDCWD ? -1 : openat(caller->proc, name, O_PATH | O_CLOEXEC);
  if (*file >= 0) return 0;
  return number < 0 || errno == ENOENT ? EBADF : errno;
}

/* Takes `start` off a path. */
static const char *behind(const char *path, const char *start) {
  size_t length = strlen(start);
  return strncmp(path, start, length) == 0 ? path + length : NULL;
}

/* The caller's own descriptors and working directory have names in /proc, which for the agent would be its own. Returns what is
   left of the path behind such a name, with the number of the descriptor, else NULL. */
static const char *own_name(const struct caller *caller, const char *path, int *number) {
  char process[32];
  snprintf(process, sizeof process, "/proc/%d/", caller->tgid);
  const char *rest = behind(path, "/proc/self/");
  if (rest == NULL) rest = behind(path, "/proc/thread-self/");
  if (rest == NULL) rest = behind(path, process);
  const char *digits = rest == NULL ? behind(path, "/dev/fd/") : behind(rest, "fd/");
  const char *end = rest == NULL || digits != NULL ? NULL : behind(rest, "cwd");
  *number = AT_FDCWD;
  if (digits != NULL && *digits >= '0' && *digits <= '9') {
    unsigned long value = strtoul(digits, (char **)&end, 10);
    if (value > INT_MAX) return NULL;
    *number = (int)value;
  }
  return end != NULL && (*end == 0 || *end == '/') ? end : NULL;
}

/* Opens what the path of the errand begins at, and takes it off the path. */
static int start_from(const struct caller *caller, int number, struct errand *errand, int *file) {
  int named;
  const char *rest = own_name(caller, errand->path, &named);
  if (rest != NULL && (*rest != 0 || !(errand->how & ERRAND_NO_FOLLOW))) {
    while (*rest == '/') rest++;
    memmove(errand->path, rest, strlen(rest) + 1);
    number = named;
  }
  if (errand->path[0] == '/') return 0;
  if (errand->path[0] == 0) errand->how |= ERRAND_ITSELF;
  return open_of_caller(caller, number, file);
}

/* Which file it is about: the descriptor to go with the errand, or AT_FDCWD. */
static int read_place(const struct caller *caller, const struct shape *shape, const struct seccomp_data *data, struct errand *errand,
                      int *file) {
  int number = shape->directory == NONE ? AT_FDCWD : (int)data->args[shape->directory];
  int flags = shape->flags == NONE ? 0 : (int)data->args[shape->flags];
  uint64_t address = shape->path == NONE ? 0 : data->args[shape->path];
  bool without = shape->path == NONE || (address == 0 && shape->kind == ERRAND_TIMES && number != AT_FDCWD);
  if (shape->no_follow || (flags & AT_SYMLINK_NOFOLLOW) || (shape->kind == ERRAND_WATCH && (data->args[2] & IN_DONT_FOLLOW)))
    errand->how |= ERRAND_NO_FOLLOW;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return EINVAL;
  if (without && (flags & AT_SYMLINK_NOFOLLOW)) return EINVAL;
  int error = without ? 0 : caller_read_text(caller, address, errand->path, sizeof errand->path);
  if (error != 0) return error;
  if (!without && errand->path[0] == 0 && !(flags & AT_EMPTY_PATH)) return ENOENT;
  return start_from(caller, number, errand, file);
}

static int errand_read(const struct caller *caller, const struct seccomp_data *data, struct errand *errand, int *file) {
  const struct shape *shape = shape_of(data->nr);
  memset(errand, 0, offsetof(struct errand, value));
  *file = AT_FDCWD;
  if (shape == NULL) return ENOSYS;
  errand->kind = shape->kind;
  int error = read_rest(caller, shape, data, errand);
  return error != 0 || errand_is_idle(errand) ? error : read_place(caller, shape, data, errand, file);
}

int errand_take(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call, struct errand *errand,
                int *file) {
  int error = errand_read(caller, &call->data, errand, file);
  if (error != EACCES) return error;
  denials_unobservable(mediator, caller, call);
  return -1;
}

int errand_take_bind(const struct caller *caller, const char *path, struct errand *errand, int *file) {
  memset(errand, 0, offsetof(struct errand, value));
  *file = AT_FDCWD;
  errand->kind = ERRAND_BIND;
  errand->how = ERRAND_NO_FOLLOW;
  if (strlen(path) >= sizeof errand->path) return ENAMETOOLONG;
  strcpy(errand->path, path);
  return caller_umask(caller, &errand->mode) ? start_from(caller, AT_FDCWD, errand, file) : EACCES;
}

bool errand_is_idle(const struct errand *errand) {
  return errand->kind == ERRAND_TIMES && errand->times[0].tv_nsec == UTIME_OMIT && errand->times[1].tv_nsec == UTIME_OMIT;
}
