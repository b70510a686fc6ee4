#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define SYS_SETXATTRAT 463
#define SYS_REMOVEXATTRAT 466
#define SYS_FILE_SETATTR 469

/* One line per call: its name, and 0 or the errno. */
static void show(const char *name, long result) { printf("%s %d\n", name, result < 0 ? errno : 0); }

static const struct timespec TIMES[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000001, .tv_nsec = 5}};

#ifdef SYS_chmod
static void change_by_old_calls(const char *path, mode_t mode) {
  struct utimbuf seconds = {1000000002, 1000000003};
  struct timeval micro[2] = {{1000000004, 1}, {1000000005, 2}};
  show("chmod", syscall(SYS_chmod, path, mode));
  show("chown", syscall(SYS_chown, path, getuid(), -1));
  show("lchown", syscall(SYS_lchown, path, getuid(), -1));
  show("utime", syscall(SYS_utime, path, &seconds));
  show("utimes", syscall(SYS_utimes, path, micro));
  show("futimesat", syscall(SYS_futimesat, AT_FDCWD, path, micro));
}
#endif

/* Every call that changes an attribute of a file: by its path, and by a descriptor, which without a right to read is O_PATH. */
static long every_change(char **a) {
  const char *path = given(a[0]);
  struct stat st;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  int held = open(path, O_PATH | O_CLOEXEC);
  if (file < 0) file = held;
  if (held < 0 || fstat(held, &st) < 0) broken(path);
  mode_t mode = st.st_mode & 0777;
  int flags = 0;
  struct fsxattr more = {0};
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", held);
  ioctl(file, FS_IOC_GETFLAGS, &flags);
  ioctl(file, FS_IOC_FSGETXATTR, &more);
#ifdef SYS_chmod
  change_by_old_calls(path, mode);
#endif
  show("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, path, mode));
  show("fchmodat2", syscall(SYS_fchmodat2, AT_FDCWD, path, mode, 0));
  show("fchmodat2-empty", syscall(SYS_fchmodat2, held, "", mode, AT_EMPTY_PATH));
  show("fchownat", syscall(SYS_fchownat, AT_FDCWD, path, getuid(), -1, AT_SYMLINK_NOFOLLOW));
  show("fchownat-empty", syscall(SYS_fchownat, held, "", getuid(), -1, AT_EMPTY_PATH));
  show("utimensat", syscall(SYS_utimensat, AT_FDCWD, path, TIMES, 0));
  show("utimensat-now", syscall(SYS_utimensat, AT_FDCWD, path, NULL, 0));
  show("utimensat-empty", syscall(SYS_utimensat, held, "", TIMES, AT_EMPTY_PATH));
  show("chmod-proc", syscall(SYS_fchmodat, AT_FDCWD, link, mode));
  show("setxattr", setxattr(path, "user.probe", "value", 5, 0));
  show("lsetxattr", lsetxattr(path, "user.probe", "value", 5, XATTR_REPLACE));
  show("removexattr", removexattr(path, "user.probe"));
  show("lsetxattr-anew", lsetxattr(path, "user.probe", "", 0, XATTR_CREATE));
  show("lremovexattr", lremovexattr(path, "user.probe"));
  if (file != held) {
    show("fchmod", syscall(SYS_fchmod, file, mode));
    show("fchown", syscall(SYS_fchown, file, getuid(), -1));
    show("futimens", syscall(SYS_utimensat, file, NULL, TIMES, 0));
    show("fsetxattr", fsetxattr(file, "user.probe", "value", 5, 0));
    show("fremovexattr", fremovexattr(file, "user.probe"));
    show("setflags", ioctl(file, FS_IOC_SETFLAGS, &flags));
    show("fssetxattr", ioctl(file, FS_IOC_FSSETXATTR, &more));
  }
  return 0;
}

/* The same by calls and requests that are not made for anybody. */
static long unmade_changes(char **a) {
  const char *path = given(a[0]);
  struct {
    uint64_t value;
    uint32_t size;
    uint32_t flags;
  } value = {(uintptr_t) "value", 5, 0};
  char bytes[256] = {0};
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) broken(path);
  show("setxattrat", syscall(SYS_SETXATTRAT, AT_FDCWD, path, 0, "user.probe", &value, sizeof value));
  show("removexattrat", syscall(SYS_REMOVEXATTRAT, AT_FDCWD, path, 0, "user.probe"));
  show("file_setattr", syscall(SYS_FILE_SETATTR, AT_FDCWD, path, bytes, 24, 0));
  show("setversion", ioctl(file, FS_IOC_SETVERSION, bytes));
  show("verity", ioctl(file, 0x40806685, bytes));
  show("encryption", ioctl(file, 0x800c6613, bytes));
  show("fat-attributes", ioctl(file, 0x40047211, bytes));
  show("snapshot-destroy", ioctl(file, 0x5000940f, bytes));
  return 0;
}

/* A text that ends with its page, with nothing behind it; without its NUL when `cut`. */
static char *at_end_of_page(const char *text, int cut) {
  long page = sysconf(_SC_PAGESIZE);
  size_t length = strlen(text) + (cut ? 0 : 1);
  char *pages = mmap(NULL, (size_t)(2 * page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || munmap(pages + page, (size_t)page) < 0) broken("mmap");
  return memcpy(pages + page - length, text, length);
}

/* What is wrong with a call, and what is at the edge of right: as the kernel answers without anybody between. */
static long odd_changes(char **a) {
  const char *path = given(a[0]);
  static char big[70000];
  char long_name[300];
  char *dots = malloc(PATH_MAX + 100);
  struct timespec wrong[2] = {{.tv_nsec = 2000000000}, {0}};
  struct timespec omit[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
  int ends[2];
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0 || dots == NULL || pipe(ends) < 0) broken(path);
  memset(long_name, 'n', sizeof long_name - 1);
  memcpy(long_name, "user.", 5);
  long_name[sizeof long_name - 1] = 0;
  memset(big, 'v', sizeof big);
  show("missing", fchmodat(AT_FDCWD, "missing", 0600, 0));
  show("below-file", fchmodat(file, "x", 0600, 0));
  show("trailing-slash", syscall(SYS_fchmodat, AT_FDCWD, "regular/", 0600));
  show("empty", syscall(SYS_fchmodat, AT_FDCWD, "", 0600));
  show("null", syscall(SYS_fchmodat, AT_FDCWD, NULL, 0600));
  show("kernel-address", syscall(SYS_fchmodat, AT_FDCWD, (void *)(uintptr_t)0xffffffff80000000ull, 0600));
  show("unmapped", syscall(SYS_fchmodat, AT_FDCWD, (void *)8, 0600));
  show("end-of-page", syscall(SYS_fchmodat, AT_FDCWD, at_end_of_page(path, 0), 0600));
  show("past-page", syscall(SYS_fchmodat, AT_FDCWD, at_end_of_page(path, 1), 0600));
  for (size_t length = PATH_MAX - 2; length <= PATH_MAX + 1; length++) {
    char name[32];
    size_t tail = strlen(path);
    memset(dots, '/', length);
    for (size_t i = 0; i + tail + 2 <= length; i += 2) dots[i] = '.';
    memcpy(dots + length - tail, path, tail);
    dots[length] = 0;
    snprintf(name, sizeof name, "length-%zu", length);
    show(name, syscall(SYS_fchmodat, AT_FDCWD, dots, 0600));
  }
  show("closed", syscall(SYS_fchmod, 999, 0600));
  show("negative", syscall(SYS_fchmod, -5, 0600));
  show("closed-directory", syscall(SYS_fchmodat, 999, path, 0600));
  show("closed-directory-absolute", syscall(SYS_fchmodat, 999, "/nonexistent", 0600));
  show("working-directory", syscall(SYS_fchownat, AT_FDCWD, "", getuid(), -1, AT_EMPTY_PATH));
  show("flags", syscall(SYS_fchownat, AT_FDCWD, path, getuid(), -1, 0x40000000));
  show("times-null-flags", syscall(SYS_utimensat, file, NULL, TIMES, AT_SYMLINK_NOFOLLOW));
  show("times-null-nothing", syscall(SYS_utimensat, AT_FDCWD, NULL, TIMES, 0));
  show("times-wrong", syscall(SYS_utimensat, AT_FDCWD, path, wrong, 0));
  show("times-omit", syscall(SYS_utimensat, AT_FDCWD, "missing", omit, 0));
  show("times-unmapped", syscall(SYS_utimensat, AT_FDCWD, path, (void *)8, 0));
  show("link-itself", syscall(SYS_utimensat, AT_FDCWD, "link", TIMES, AT_SYMLINK_NOFOLLOW));
  show("link-mode", syscall(SYS_fchmodat2, AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW));
  show("link-to-nothing", syscall(SYS_fchmodat, AT_FDCWD, "dangling", 0600));
  show("link-circle", syscall(SYS_fchmodat, AT_FDCWD, "circle", 0600));
  show("name-empty", fsetxattr(file, "", "v", 1, 0));
  show("name-long", fsetxattr(file, long_name, "v", 1, 0));
  show("name-unmapped", syscall(SYS_fsetxattr, file, 8, "v", 1, 0));
  show("value-large", fsetxattr(file, "user.big", big, 65537, 0));
  show("value-unmapped", syscall(SYS_fsetxattr, file, "user.big", 8, 10, 0));
  show("attribute-flags", fsetxattr(file, "user.big", "v", 1, 77));
  show("attribute-missing", fremovexattr(file, "user.none"));
  show("attribute-trusted", fsetxattr(file, "trusted.x", "v", 1, 0));
  show("pipe-mode", syscall(SYS_fchmod, ends[0], 0600));
  show("pipe-times", syscall(SYS_utimensat, ends[0], NULL, NULL, 0));
  show("pipe-flags", ioctl(ends[0], FS_IOC_SETFLAGS, big));
  show("flags-unmapped", ioctl(file, FS_IOC_FSSETXATTR, 8));
  show("unlink", unlink(path));
  show("removed-mode", syscall(SYS_fchmod, file, 0640));
  show("removed-times", syscall(SYS_utimensat, file, NULL, TIMES, 0));
  show("removed-owner", syscall(SYS_fchown, file, getuid(), -1));
  return 0;
}

static atomic_bool over;
static char shared_path[PATH_MAX];
static const char *inner_name;
static const char *outer_name;
static int inner_file;
static int outer_file;
#define SHARED_NUMBER 77

static void *change_text(void *none) {
  while (!atomic_load(&over)) {
    strcpy(shared_path, inner_name);
    strcpy(shared_path, outer_name);
  }
  return none;
}
static void *change_number(void *none) {
  while (!atomic_load(&over)) {
    dup2(inner_file, SHARED_NUMBER);
    dup2(outer_file, SHARED_NUMBER);
  }
  return none;
}
static void *change_directory(void *none) {
  while (!atomic_load(&over)) renameat2(AT_FDCWD, inner_name, AT_FDCWD, outer_name, RENAME_EXCHANGE);
  return none;
}

/* Calls while a second thread changes what they are about: `text` of the path, `number`, or `directory` on the way. What they
   are about are two names (in the last case of a directory and of a link to another); says how often a call worked. */
static long change_race(char **a) {
  const char *kind = given(a[0]);
  inner_name = given(a[1]);
  outer_name = given(a[2]);
  long rounds = number(a[3]);
  long worked = 0;
  pthread_t thread;
  void *(*changer)(void *) = strcmp(kind, "text") == 0 ? change_text : strcmp(kind, "number") == 0 ? change_number : change_directory;
  inner_file = open(inner_name, O_PATH | O_CLOEXEC);
  outer_file = open(outer_name, O_PATH | O_CLOEXEC);
  if (inner_file < 0 || outer_file < 0) broken("the names");
  dup2(inner_file, SHARED_NUMBER);
  snprintf(shared_path, sizeof shared_path, "%s%s", inner_name, changer == change_directory ? "/file" : "");
  if (pthread_create(&thread, NULL, changer, NULL) != 0) broken("a thread");
  for (long i = 0; i < rounds; i++) {
    long result = changer == change_number ? syscall(SYS_fchmodat2, SHARED_NUMBER, "", 0606, AT_EMPTY_PATH)
                                           : syscall(SYS_fchmodat, AT_FDCWD, shared_path, 0606);
    worked += result == 0;
    result = changer == change_number ? syscall(SYS_utimensat, SHARED_NUMBER, "", TIMES, AT_EMPTY_PATH)
                                      : syscall(SYS_utimensat, AT_FDCWD, shared_path, TIMES, 0);
    worked += result == 0;
  }
  atomic_store(&over, true);
  pthread_join(thread, NULL);
  printf("%ld of %ld\n", worked, 2 * rounds);
  return 0;
}

/* A watch, while a second thread changes the text of its path: says whether a file made outside was ever heard of. Somebody
   else makes them, without an end. */
static long watch_race(char **a) {
  inner_name = given(a[0]);
  outer_name = given(a[1]);
  long rounds = number(a[2]);
  pthread_t thread;
  int set = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (set < 0) broken("inotify_init1");
  strcpy(shared_path, inner_name);
  if (pthread_create(&thread, NULL, change_text, NULL) != 0) broken("a thread");
  for (long i = 0; i < rounds; i++) syscall(SYS_inotify_add_watch, set, shared_path, IN_CREATE);
  atomic_store(&over, true);
  pthread_join(thread, NULL);
  char events[4096];
  usleep(200000);
  ssize_t got = read(set, events, sizeof events);
  errno = EACCES;
  return got > 0 ? 0 : -1;
}

/* A file that was opened by one of two names, and has lost that one. */
static long change_unlinked(char **a) {
  int file = open(given(a[0]), O_RDWR | O_CLOEXEC);
  if (file < 0 || unlink(a[0]) < 0) broken(a[0]);
  return syscall(SYS_fchmod, file, 0606);
}

const struct entry ATTRIBUTE_ACTIONS[] = {
    {"every-change", every_change}, {"unmade-changes", unmade_changes},   {"odd-changes", odd_changes},
    {"change-race", change_race},   {"change-unlinked", change_unlinked}, {"watch-race", watch_race},
    {NULL, NULL},
};
