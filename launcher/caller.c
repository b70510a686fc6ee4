#define _GNU_SOURCE
#include "caller.h"
#include "descriptors.h"
#include "sys.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define MAX_ANCESTORS 64
/* Bytes of the names of all ancestors together. */
#define MAX_ANCESTOR_NAMES (64u << 10)
/* What a frame says of an executable beside its name, and of everything else. */
#define EXECUTABLE_BYTES 64
#define OTHER_BYTES 256
_Static_assert((MAX_ANCESTORS + 1) * EXECUTABLE_BYTES + PATH_MAX + MAX_ANCESTOR_NAMES + OTHER_BYTES <= MAX_FRAME,
               "a frame holds whatever a caller is");

/* Reads a small file of /proc as a string. */
static bool read_text(int dir, const char *name, char *text, size_t size) {
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t got = read(fd, text, size - 1);
  close(fd);
  if (got <= 0) return false;
  text[got] = 0;
  return true;
}

/* The text behind `Name:` and its tab in a status file, or NULL. */
static const char *status_field(const char *status, const char *name) {
  size_t length = strlen(name);
  for (const char *line = status; line != NULL; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, name, length) == 0 && line[length] == ':') return line + length + 1;
  }
  return NULL;
}

static int open_task(pid_t tid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d", tid);
  return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* In one call what would be two files of /proc, which the kernel takes its time to write. */
static bool read_info(int pidfd, pid_t *tgid, pid_t *parent) {
  struct sys_pidfd_info info = {.mask = SYS_PIDFD_INFO_PID};
  if (pidfd < 0 || ioctl(pidfd, SYS_PIDFD_GET_INFO, &info) < 0 || !(info.mask & SYS_PIDFD_INFO_PID)) return false;
  *tgid = (pid_t)info.tgid;
  *parent = (pid_t)info.ppid;
  return true;
}

static pid_t process_of(int proc) {
  char status[4096];
  const char *tgid = read_text(proc, "status", status, sizeof status) ? status_field(status, "Tgid") : NULL;
  return tgid == NULL ? 0 : (pid_t)strtol(tgid, NULL, 10);
}

bool caller_open(struct caller *caller, pid_t tid) {
  *caller = (struct caller){.tid = tid, .proc = tid > 0 ? open_task(tid) : -1, .pidfd = -1};
  if (caller->proc < 0) return false;
  caller->pidfd = sys_pidfd_open(tid, SYS_PIDFD_THREAD);
  if (!read_info(caller->pidfd, &caller->tgid, &caller->parent)) caller->tgid = process_of(caller->proc);
  if (caller->tgid > 0) return true;
  caller_close(caller);
  return false;
}

void caller_close(struct caller *caller) {
  if (caller->proc >= 0) close(caller->proc);
  if (caller->pidfd >= 0) close(caller->pidfd);
  caller->proc = -1;
  caller->pidfd = -1;
}

struct caller caller_take(struct caller *caller) {
  struct caller taken = *caller;
  caller->proc = -1;
  caller->pidfd = -1;
  return taken;
}

bool caller_read(const struct caller *caller, uint64_t address, void *bytes, size_t length) {
  errno = EFAULT;
  if (address > INT64_MAX) return false;
  struct iovec here = {bytes, length};
  struct iovec there = {(void *)(uintptr_t)address, length};
  /* By a number that is the caller's for as long as its call waits. Containers refuse this way to everybody. */
  if (process_vm_readv(caller->tid, &here, 1, &there, 1, 0) == (ssize_t)length) return true;
  int memory = openat(caller->proc, "mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) {
    errno = errno == EACCES || errno == EPERM ? EACCES : EFAULT;
    return false;
  }
  ssize_t got = pread(memory, bytes, length, (off_t)address);
  close(memory);
  errno = EFAULT;
  return got == (ssize_t)length;
}

/* No page that is smaller is known: what is read at a time lies in one. */
#define PAGE 4096u

int caller_read_text(const struct caller *caller, uint64_t address, char *text, size_t size) {
  if (address > INT64_MAX - size) return EFAULT;
  int memory = openat(caller->proc, "mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) return errno == EACCES || errno == EPERM ? EACCES : EFAULT;
  size_t have = 0;
  int error = ENAMETOOLONG;
  while (error == ENAMETOOLONG && have < size) {
    size_t wanted = PAGE - (address + have) % PAGE;
    if (wanted > size - have) wanted = size - have;
    if (pread(memory, text + have, wanted, (off_t)(address + have)) != (ssize_t)wanted) error = EFAULT;
    else if (memchr(text + have, 0, wanted) != NULL) error = 0;
    have += wanted;
  }
  close(memory);
  return error;
}

bool caller_write(const struct caller *caller, uint64_t address, const void *bytes, size_t length) {
  if (address > INT64_MAX) return false;
  int memory = openat(caller->proc, "mem", O_WRONLY | O_CLOEXEC);
  if (memory < 0) return false;
  ssize_t written = pwrite(memory, bytes, length, (off_t)address);
  close(memory);
  return written == (ssize_t)length;
}

/* Whether the thread and its process mean the same file by a number: a thread may have a table of its own. */
static bool same_file(const struct caller *caller, int fd) {
  char path[64];
  char own[64];
  char process[64];
  if (caller->tid == caller->tgid) return true;
  snprintf(path, sizeof path, "fd/%d", fd);
  ssize_t a = readlinkat(caller->proc, path, own, sizeof own);
  snprintf(path, sizeof path, "/proc/%d/fd/%d", caller->tgid, fd);
  ssize_t b = readlink(path, process, sizeof process);
  return a > 0 && a == b && (size_t)a < sizeof own && memcmp(own, process, (size_t)a) == 0;
}

int caller_file(const struct caller *caller, int fd) {
  if (caller->pidfd >= 0) return descriptors_lift(sys_pidfd_getfd(caller->pidfd, fd));
  if (!same_file(caller, fd)) { /* only a process can be named */
    errno = EACCES;
    return -1;
  }
  int pidfd = sys_pidfd_open(caller->tgid, 0);
  if (pidfd < 0) return -1;
  int file = descriptors_lift(sys_pidfd_getfd(pidfd, fd));
  int saved = errno;
  close(pidfd);
  errno = saved;
  return file;
}

/* The last number of NSpid: what the task is called in its own pid namespace. */
static pid_t inner_number(int task) {
  char status[4096];
  const char *numbers;
  if (!read_text(task, "status", status, sizeof status) || (numbers = status_field(status, "NSpid")) == NULL) return -1;
  pid_t last = -1;
  while (*numbers == '\t') last = (pid_t)strtol(numbers + 1, (char **)&numbers, 10);
  return last;
}

bool caller_umask(const struct caller *caller, uint32_t *mask) {
  char status[4096];
  const char *digits = read_text(caller->proc, "status", status, sizeof status) ? status_field(status, "Umask") : NULL;
  if (digits != NULL) *mask = (uint32_t)strtoul(digits, NULL, 8) & 0777;
  return digits != NULL;
}

pid_t caller_inner_number(const struct caller *caller) {
  int process = open_task(caller->tgid);
  if (process < 0) return -1;
  pid_t number = inner_number(process);
  close(process);
  return number;
}

bool caller_owns_thread(const struct caller *caller, pid_t number) {
  if (number == 0) return true;
  if (number < 0) return false;
  if (inner_number(caller->proc) == number) return true;
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/task", caller->tgid);
  DIR *tasks = opendir(path);
  if (tasks == NULL) return false;
  bool found = false;
  struct dirent *entry;
  while (!found && (entry = readdir(tasks)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    int task = openat(dirfd(tasks), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (task < 0) continue;
    found = inner_number(task) == number;
    close(task);
  }
  closedir(tasks);
  return found;
}

/* The sets of a status file, as bits; false when it cannot be read. */
static bool read_signals(int dir, const char *file, uint64_t *own, uint64_t *shared, uint64_t *blocked) {
  char status[4096];
  const char *fields[3];
  if (!read_text(dir, file, status, sizeof status) || (fields[0] = status_field(status, "SigPnd")) == NULL ||
      (fields[1] = status_field(status, "ShdPnd")) == NULL || (fields[2] = status_field(status, "SigBlk")) == NULL)
    return false;
  *own = strtoull(fields[0], NULL, 16);
  *shared = strtoull(fields[1], NULL, 16);
  *blocked = strtoull(fields[2], NULL, 16);
  return true;
}

enum caller_signal caller_signal(const struct caller *caller) {
  uint64_t own, shared, blocked, leader_own, leader_shared, leader_blocked;
  if (!read_signals(caller->proc, "status", &own, &shared, &blocked)) return CALLER_UNDISTURBED;
  if (own & ~blocked) return CALLER_SIGNALLED;
  if (!(shared & ~blocked)) return CALLER_UNDISTURBED;
  if (caller->tid == caller->tgid) return CALLER_SIGNALLED;
  /* A signal to the process goes to its first thread, unless that blocks it (complete_signal in the kernel). */
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/status", caller->tgid);
  if (!read_signals(AT_FDCWD, path, &leader_own, &leader_shared, &leader_blocked)) return CALLER_UNDISTURBED;
  return shared & ~blocked & leader_blocked ? CALLER_PERHAPS : CALLER_UNDISTURBED;
}

static uint64_t nanoseconds(struct timespec time) { return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec; }

/* `room`: bytes that the name may have; what it has is taken from it. */
static void describe_executable(int proc, pid_t pid, size_t *room, struct frame *frame) {
  char path[PATH_MAX];
  struct stat st = {0};
  uint32_t flags = 0;
  ssize_t length = readlinkat(proc, "exe", path, sizeof path);
  if (length < 0 || length == (ssize_t)sizeof path || fstatat(proc, "exe", &st, 0) < 0) {
    flags |= EXECUTABLE_FLAG_UNREADABLE;
    length = length < 0 || length == (ssize_t)sizeof path ? 0 : length;
  } else if (st.st_nlink == 0) {
    static const char suffix[] = " (deleted)";
    const size_t tail = sizeof suffix - 1;
    flags |= EXECUTABLE_FLAG_DELETED;
    if ((size_t)length > tail && memcmp(path + length - tail, suffix, tail) == 0) length -= (ssize_t)tail;
  }
  if ((size_t)length > *room) {
    flags |= EXECUTABLE_FLAG_CUT;
    length = 0;
    *room = 0; /* a shorter name farther up is none of the nearest */
  }
  *room -= (size_t)length;
  frame_bytes(frame, path, (size_t)length);
  frame_u64(frame, st.st_dev);
  frame_u64(frame, st.st_ino);
  frame_u64(frame, (uint64_t)st.st_size);
  frame_u64(frame, nanoseconds(st.st_mtim));
  frame_u64(frame, nanoseconds(st.st_ctim));
  frame_u32(frame, (uint32_t)pid);
  frame_u32(frame, flags);
}

/* The parent from /proc/PID/stat: the second field behind the last `)`, since the command may hold anything. */
static pid_t parent_of(int proc) {
  char stat[1024];
  if (!read_text(proc, "stat", stat, sizeof stat)) return 0;
  const char *end = strrchr(stat, ')');
  if (end == NULL || end[1] != ' ' || end[2] == 0) return 0;
  return (pid_t)strtol(end + 3, NULL, 10);
}

static pid_t parent_of_caller(const struct caller *caller) {
  return caller->parent > 0 ? caller->parent : parent_of(caller->proc);
}

void caller_describe(const struct caller *caller, pid_t top, struct frame *frame) {
  frame_u32(frame, (uint32_t)caller->tgid);
  size_t count_at = frame->length;
  uint32_t count = 1;
  frame_u32(frame, 0);
  size_t own = PATH_MAX;
  size_t room = MAX_ANCESTOR_NAMES;
  describe_executable(caller->proc, caller->tgid, &own, frame);
  pid_t pid = parent_of_caller(caller);
  while (pid > 1 && pid != top && count <= MAX_ANCESTORS) {
    int proc = open_task(pid);
    if (proc < 0) break;
    describe_executable(proc, pid, &room, frame);
    count++;
    pid = parent_of(proc);
    close(proc);
  }
  if (!frame->overflow) memcpy(frame->bytes + count_at, &count, sizeof count);
}

struct fingerprint {
  uint64_t device;
  uint64_t inode;
  uint64_t size;
  uint64_t mtime_ns;
  uint64_t ctime_ns;
  uint64_t path_length;
};

/* Appends state and path of one executable. */
static bool identify(int proc, uint8_t *bytes, size_t capacity, size_t *length) {
  struct stat st;
  struct fingerprint print;
  if (capacity - *length < sizeof print || fstatat(proc, "exe", &st, 0) < 0) return false;
  char *path = (char *)bytes + *length + sizeof print;
  size_t room = capacity - *length - sizeof print;
  ssize_t got = readlinkat(proc, "exe", path, room);
  if (got <= 0 || (size_t)got == room) return false;
  print = (struct fingerprint){.device = st.st_dev, .inode = st.st_ino, .size = (uint64_t)st.st_size,
                               .mtime_ns = nanoseconds(st.st_mtim), .ctime_ns = nanoseconds(st.st_ctim),
                               .path_length = (uint64_t)got};
  memcpy(bytes + *length, &print, sizeof print);
  *length += sizeof print + (size_t)got;
  return true;
}

size_t caller_identify(const struct caller *caller, pid_t top, uint8_t *bytes, size_t capacity) {
  size_t length = 0;
  if (!identify(caller->proc, bytes, capacity, &length)) return 0;
  pid_t pid = parent_of_caller(caller);
  for (int depth = 0; pid > 1 && pid != top && depth < MAX_ANCESTORS; depth++) {
    int proc = open_task(pid);
    if (proc < 0) return 0;
    bool good = identify(proc, bytes, capacity, &length);
    pid = good ? parent_of(proc) : 0;
    close(proc);
    if (!good) return 0;
  }
  return length;
}

void caller_executable(const struct caller *caller, uint64_t *device, uint64_t *inode) {
  struct stat st = {0};
  if (fstatat(caller->proc, "exe", &st, 0) < 0) memset(&st, 0, sizeof st);
  *device = st.st_dev;
  *inode = st.st_ino;
}
