/* A task of the workload that waits in a system call, as the warden sees it. Every question goes through one directory
   of /proc that is opened once; the answers count only if the notification is still valid after the last of them. */
#ifndef OPENSHELL_CALLER_H
#define OPENSHELL_CALLER_H

#include "control.h"
#include <sys/types.h>

struct caller {
  pid_t tid;
  pid_t tgid;
  int proc;     /* /proc/TID, O_PATH */
  int pidfd;    /* of the thread, or -1: the kernel has none (before Linux 6.9) */
  pid_t parent; /* as it was when it was opened; 0: not known yet */
};

bool caller_open(struct caller *caller, pid_t tid);
void caller_close(struct caller *caller);
/* The same caller, whose files the other one no longer has. */
struct caller caller_take(struct caller *caller);
/* All of `length` bytes at `address`, or false: a part is no answer. errno is EACCES for a caller that cannot be looked at,
   else EFAULT. */
bool caller_read(const struct caller *caller, uint64_t address, void *bytes, size_t length);
/* A text with its NUL. 0, or ENAMETOOLONG when it does not fit into `size`, or an errno as of caller_read. */
int caller_read_text(const struct caller *caller, uint64_t address, char *text, size_t size);
/* Writes to the caller's memory, as the kernel would have: what else is written there meanwhile is the caller's affair. */
bool caller_write(const struct caller *caller, uint64_t address, const void *bytes, size_t length);
/* The file behind the caller's descriptor, or -1 with errno. */
int caller_file(const struct caller *caller, int fd);
/* The bits that are taken off the mode of files that it makes (umask(2)). */
bool caller_umask(const struct caller *caller, uint32_t *mask);
/* What the caller's process is called in its own pid namespace, -1 when it cannot be told. */
pid_t caller_inner_number(const struct caller *caller);
/* Whether the number that the caller uses for a task names a thread of its own process. 0 is the caller itself. */
bool caller_owns_thread(const struct caller *caller, pid_t number);
/* Whether a signal waits for the thread that it could handle. PERHAPS: it is for this or another thread of its process. */
enum caller_signal { CALLER_UNDISTURBED, CALLER_SIGNALLED, CALLER_PERHAPS };
enum caller_signal caller_signal(const struct caller *caller);

/* Appends process facts: `u32 pid, u32 count`, then per executable (the caller's first, then its ancestors up to but
   without `top`) `bytes path, u64 dev, u64 ino, u64 size, u64 mtime_ns, u64 ctime_ns, u32 pid, u32 flags`. */
void caller_describe(const struct caller *caller, pid_t top, struct frame *frame);
/* What caller_describe says, but for process numbers, as bytes that can be compared: paths and states of the executables.
   Returns their length, 0 when one cannot be told or they do not fit. */
size_t caller_identify(const struct caller *caller, pid_t top, uint8_t *bytes, size_t capacity);
/* Device and inode of the caller's executable, zeros where it cannot be told. */
void caller_executable(const struct caller *caller, uint64_t *device, uint64_t *inode);

#endif
