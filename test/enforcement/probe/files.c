/* Files: what a shell script cannot do, or does with other calls. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NR_fchmodat2 452

static long set_attribute(char **a) { return setxattr(given(a[0]), "user.probe", "x", 1, 0); }
static long change_mode(char **a) { return syscall(SYS_fchmodat, AT_FDCWD, given(a[0]), number(a[1])); }
static long change_mode_2(char **a) { return syscall(NR_fchmodat2, AT_FDCWD, given(a[0]), number(a[1]), 0); }
static long change_mode_fd(char **a) {
  int file = open(given(a[0]), O_RDONLY | O_CLOEXEC);
  return file < 0 ? -1 : fchmod(file, (mode_t)number(a[1]));
}
static long change_owner(char **a) { return lchown(given(a[0]), getuid(), getgid()); }
static long change_times(char **a) {
  struct timespec times[2] = {{1, 0}, {1, 0}};
  return utimensat(AT_FDCWD, given(a[0]), times, 0);
}
static long cut(char **a) { return truncate(given(a[0]), 0); }
static long cut_by_open(char **a) { return open(given(a[0]), O_RDONLY | O_TRUNC | O_CLOEXEC); }
static long exchange(char **a) { return renameat2(AT_FDCWD, given(a[0]), AT_FDCWD, given(a[1]), RENAME_EXCHANGE); }
static long hard_link(char **a) { return linkat(AT_FDCWD, given(a[0]), AT_FDCWD, given(a[1]), 0); }
/* By way of a descriptor that was opened for reading. */
static long hard_link_fd(char **a) {
  char path[32];
  int file = open(given(a[0]), O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return linkat(AT_FDCWD, path, AT_FDCWD, given(a[1]), AT_SYMLINK_FOLLOW);
}
/* Opens for reading, then the descriptor's own entry in /proc for writing. */
static long reopen(char **a) {
  char path[32];
  int file = open(given(a[0]), O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return open(path, O_WRONLY | O_CLOEXEC);
}
static long nameless(char **a) { return open(given(a[0]), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600); }
static long write_mapping(char **a) {
  int file = open(given(a[0]), O_RDWR | O_CLOEXEC);
  if (file < 0) return -1;
  char *bytes = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) return -1;
  *bytes = 'x';
  return 0;
}
/* The same, and then the mode: a write would have taken the set-user-id bit away. */
static long rewrite_set_user_id(char **a) {
  struct stat st;
  if (write_mapping(a) < 0) return -1;
  errno = EPERM;
  return stat(given(a[0]), &st) == 0 && (st.st_mode & S_ISUID) != 0 ? 0 : -1;
}
static long watch(char **a) { return inotify_add_watch(inotify_init1(IN_CLOEXEC), given(a[0]), IN_MODIFY); }
static long bind_path(char **a) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int file = socket(AF_UNIX, SOCK_STREAM, 0);
  if (file < 0) broken("socket");
  snprintf(address.sun_path, sizeof address.sun_path, "%s", given(a[0]));
  return bind(file, (struct sockaddr *)&address, sizeof address);
}
/* Sets the flags that it has. By way of a descriptor that was opened for reading. */
static long change_flags(char **a) {
  int flags;
  int file = open(given(a[0]), O_RDONLY | O_CLOEXEC);
  if (file < 0 || ioctl(file, FS_IOC_GETFLAGS, &flags) < 0) return -1;
  return ioctl(file, FS_IOC_SETFLAGS, &flags);
}
static long write_fd(char **a) { return write((int)number(a[0]), "x", 1); }
static long read_fd(char **a) {
  char byte;
  return pread((int)number(a[0]), &byte, 1, 0) == 1 ? 0 : -1;
}
/* From a directory upwards, to the root and past it if that were possible. */
static long climb(char **a) {
  int directory = open(given(a[0]), O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < 64 && directory >= 0; i++) {
    int next = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    close(directory);
    directory = next;
  }
  const char *path = given(a[1]);
  while (*path == '/') path++;
  return openat(directory, path, O_RDONLY | O_CLOEXEC);
}

/* Files with the set-user-id bit, each by the call that its name says. `path` must not exist where it is made. */
#ifdef SYS_open
static long make_by_open(char **a) { return syscall(SYS_open, given(a[0]), O_CREAT | O_WRONLY, number(a[1])); }
static long make_by_creat(char **a) { return syscall(SYS_creat, given(a[0]), number(a[1])); }
static long make_by_mknod(char **a) { return syscall(SYS_mknod, given(a[0]), S_IFREG | number(a[1]), 0); }
static long mode_by_chmod(char **a) { return syscall(SYS_chmod, given(a[0]), number(a[1])); }
#endif
static long make_by_openat(char **a) {
  return syscall(SYS_openat, AT_FDCWD, given(a[0]), O_CREAT | O_WRONLY, number(a[1]));
}
static long make_nameless(char **a) {
  return syscall(SYS_openat, AT_FDCWD, given(a[0]), O_TMPFILE | O_WRONLY, number(a[1]));
}
static long make_by_mknodat(char **a) {
  return syscall(SYS_mknodat, AT_FDCWD, given(a[0]), S_IFREG | number(a[1]), 0);
}

/* One process exchanges a directory with a link to an outer one, again and again, while this one reads through it. The
   names are given from the present directory: the directory, the link, the file in both; `word` begins the outer file. */
static long swap_race(char **a) {
  const char *directory = given(a[0]);
  const char *link_name = given(a[1]);
  char path[512];
  snprintf(path, sizeof path, "%s/%s", directory, given(a[2]));
  const char *word = given(a[3]);
  pid_t parent = getpid();
  pid_t swapper = fork();
  if (swapper < 0) broken("fork");
  if (swapper == 0) {
    while (getppid() == parent) renameat2(AT_FDCWD, directory, AT_FDCWD, link_name, RENAME_EXCHANGE);
    _exit(0);
  }
  long result = -1;
  for (int i = 0; i < 20000 && result < 0; i++) {
    char text[16] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    if (read(file, text, strlen(word)) > 0 && strncmp(text, word, strlen(word)) == 0) result = 0;
    close(file);
  }
  kill(swapper, SIGKILL);
  waitpid(swapper, NULL, 0);
  errno = ENOENT;
  return result;
}

/* A chain of so many processes, each the parent of the next, whose executable has a path about as long as there are
   (PATH_MAX); the last does the action that is named. Made in a directory below the present one. */
static long deep(char **a) {
  long count = number(a[0]);
  char name[201];
  char place[4096];
  if (getcwd(place, sizeof place) == NULL) broken("getcwd");
  memset(name, 'd', 200);
  name[200] = 0;
  if (access("program", X_OK) != 0) {
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    while (strlen(place) + 2 * sizeof name < sizeof place) {
      if ((mkdir(name, 0755) < 0 && errno != EEXIST) || chdir(name) < 0 || getcwd(place, sizeof place) == NULL) broken("a directory");
    }
    int to = open("program", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    char bytes[65536];
    ssize_t got;
    while ((got = read(from, bytes, sizeof bytes)) > 0)
      if (write(to, bytes, (size_t)got) != got) broken("write");
    close(to);
  }
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (child == 0) {
    char number_text[24];
    snprintf(number_text, sizeof number_text, "%ld", count - 1);
    if (count > 0) execl("./program", "program", "deep", number_text, given(a[1]), (char *)NULL);
    else execl("./program", "program", given(a[1]), (char *)NULL);
    broken("./program");
  }
  int status;
  waitpid(child, &status, 0);
  errno = EPERM;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

const struct entry FILE_ACTIONS[] = {
    {"set-attribute", set_attribute},
    {"fchmodat", change_mode},
    {"fchmodat2", change_mode_2},
    {"fchmod", change_mode_fd},
    {"chown", change_owner},
    {"change-times", change_times},
    {"change-flags", change_flags},
    {"truncate", cut},
    {"open-truncate", cut_by_open},
    {"exchange", exchange},
    {"link", hard_link},
    {"link-descriptor", hard_link_fd},
    {"reopen", reopen},
    {"nameless-file", nameless},
    {"write-mapping", write_mapping},
    {"rewrite-set-user-id", rewrite_set_user_id},
    {"watch", watch},
    {"bind-path", bind_path},
    {"write-descriptor", write_fd},
    {"read-descriptor", read_fd},
    {"climb", climb},
#ifdef SYS_open
    {"make-by-open", make_by_open},
    {"make-by-creat", make_by_creat},
    {"make-by-mknod", make_by_mknod},
    {"chmod", mode_by_chmod},
#endif
    {"make-by-openat", make_by_openat},
    {"make-nameless", make_nameless},
    {"make-by-mknodat", make_by_mknodat},
    {"swap-race", swap_race},
    {"deep", deep},
    {0},
};
