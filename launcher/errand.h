/* What the warden asks the agent for: one message with at most one descriptor. The agent believes every field, since nobody
   else can write to it; what they hold comes from the workload. */
#ifndef OPENSHELL_ERRAND_H
#define OPENSHELL_ERRAND_H

#include "caller.h"
#include "mediator.h"
#include <limits.h>
#include <linux/seccomp.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum errand_kind {
  ERRAND_SOCKET = 1, /* find a Unix socket */
  ERRAND_BIND,       /* give a Unix socket, which comes in a message of its own, its name; `mode` is the umask */
  ERRAND_WATCH,      /* find a file that may be watched */
  ERRAND_MODE,
  ERRAND_OWNER,
  ERRAND_TIMES,
  ERRAND_SET_ATTRIBUTE,
  ERRAND_REMOVE_ATTRIBUTE,
  ERRAND_FLAGS, /* FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR */
};

#define ERRAND_ITSELF 1u    /* the descriptor is the file, there is no path */
#define ERRAND_NO_FOLLOW 2u /* of a symbolic link, the link */

struct errand {
  uint32_t kind;
  uint32_t how; /* ERRAND_* bits */
  uint32_t mode;
  uint32_t uid;
  uint32_t gid;
  uint32_t number; /* flags of setxattr(2), or which ioctl(2) */
  struct timespec times[2];
  uint32_t size; /* of the value */
  char path[PATH_MAX];           /* from the descriptor, or absolute */
  char name[XATTR_NAME_MAX + 1]; /* of an extended attribute */
  uint8_t value[XATTR_SIZE_MAX]; /* the last: only `size` bytes are sent */
};

#define ERRAND_LENGTH(value_size) (offsetof(struct errand, value) + (value_size))

/* What a call of the workload asks for, and from where: `*file` is O_PATH, or AT_FDCWD for an absolute path. 0, or the errno of
   the call; -1 where the caller cannot be looked at, which is answered and counted. */
int errand_take(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call, struct errand *errand,
                int *file);
/* The same for a path of bind(2) that the caller was read, but nothing is answered. */
int errand_take_bind(const struct caller *caller, const char *path, struct errand *errand, int *file);
/* Whether it changes nothing, so that nothing has to be found. */
bool errand_is_idle(const struct errand *errand);

#endif
