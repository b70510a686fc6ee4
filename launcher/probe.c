#define _GNU_SOURCE
#include "probe.h"
#include "confine.h"
#include "network.h"
#include "sys.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* What a child reports: the step that failed (empty: none) and its errno. */
struct outcome {
  char step[24];
  int error;
};

static struct outcome failed(const char *step) {
  struct outcome outcome = {.error = errno};
  snprintf(outcome.step, sizeof outcome.step, "%s", step);
  return outcome;
}

static bool detached_mount(const char *type) {
  int fs = sys_fsopen(type);
  if (fs < 0) return false;
  int mount = sys_fsconfig(fs, SYS_FSCONFIG_CMD_CREATE, NULL, NULL) == 0 ? sys_fsmount(fs, SYS_MOUNT_ATTR_NOSUID) : -1;
  int saved = errno;
  close(fs);
  if (mount >= 0) close(mount);
  errno = saved;
  return mount >= 0;
}

/* The steps of a launch that hosts are known to forbid, in their order. */
static struct outcome try_inside(void) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return failed("private_mounts");
  if (!network_loopback_up()) return failed("loopback");
  int tree = sys_open_tree(AT_FDCWD, "/usr", SYS_OPEN_TREE_CLONE | SYS_AT_RECURSIVE | SYS_OPEN_TREE_CLOEXEC);
  if (tree < 0) return failed("open_tree");
  struct sys_mount_attr attr = {.attr_set = SYS_MOUNT_ATTR_RDONLY | SYS_MOUNT_ATTR_NOSUID};
  if (sys_mount_setattr(tree, AT_EMPTY_PATH | SYS_AT_RECURSIVE, &attr) < 0) return failed("mount_setattr");
  if (!detached_mount("tmpfs")) return failed("tmpfs");
  if (!detached_mount("proc")) return failed("proc");
  if (!detached_mount("devpts")) return failed("devpts");
  return (struct outcome){.error = 0};
}

static bool write_map(pid_t child, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", child, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  int saved = errno;
  close(fd);
  errno = saved;
  return good;
}

static struct outcome try_namespaces(void) {
  int go[2];
  int back[2];
  struct outcome outcome = {.error = 0};
  if (pipe2(go, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0) return failed("pipe");
  unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD;
  pid_t child = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
  if (child < 0) return failed("clone");
  if (child == 0) {
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (read(go[0], &byte, 1) != 1) _exit(1);
    outcome = try_inside();
    _exit(write(back[1], &outcome, sizeof outcome) == (ssize_t)sizeof outcome ? 0 : 1);
  }
  close(back[1]);
  char uid_line[64];
  char gid_line[64];
  snprintf(uid_line, sizeof uid_line, "1000 %u 1\n", geteuid());
  snprintf(gid_line, sizeof gid_line, "1000 %u 1\n", getegid());
  if (!write_map(child, "uid_map", uid_line)) outcome = failed("uid_map");
  else if (!write_map(child, "setgroups", "deny")) outcome = failed("setgroups");
  else if (!write_map(child, "gid_map", gid_line)) outcome = failed("gid_map");
  else if (write(go[1], "g", 1) != 1 || read(back[0], &outcome, sizeof outcome) != (ssize_t)sizeof outcome)
    outcome = failed("child");
  if (outcome.error != 0) kill(child, SIGKILL);
  close(go[0]);
  close(go[1]);
  close(back[0]);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  return outcome;
}

/* Whether descriptors can be put into callers (5.9): about a call that nobody makes, the kernel says ENOENT. */
static bool hands_descriptors(int listener, int file) {
  struct seccomp_notif_addfd add = {.id = UINT64_MAX, .srcfd = (uint32_t)file};
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 && errno == ENOENT;
}

/* A child puts a filter with a listener on itself: whether that can be had, and with which flags. */
static struct outcome try_listener(unsigned long flags) {
  int back[2];
  struct outcome outcome = {.error = 0};
  if (pipe2(back, O_CLOEXEC) < 0) return failed("pipe");
  pid_t child = fork();
  if (child < 0) return failed("fork");
  if (child == 0) {
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = 1, .filter = &allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) outcome = failed("seccomp");
    else if (!hands_descriptors(listener, back[1])) outcome = failed("addfd");
    _exit(write(back[1], &outcome, sizeof outcome) == (ssize_t)sizeof outcome ? 0 : 1);
  }
  close(back[1]);
  if (read(back[0], &outcome, sizeof outcome) != (ssize_t)sizeof outcome) outcome = failed("child");
  close(back[0]);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  return outcome;
}

/* A parent reads the memory of its child, as a warden without namespaces does: Yama may forbid it, and containers. */
static struct outcome try_memory(void) {
  static const char secret = 's';
  struct outcome outcome = {.error = 0};
  char path[64];
  char byte = 0;
  pid_t child = fork();
  if (child < 0) return failed("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (;;) pause();
  }
  snprintf(path, sizeof path, "/proc/%d/mem", child);
  int memory = open(path, O_RDONLY | O_CLOEXEC);
  if (memory < 0) outcome = failed("mem");
  else if (pread(memory, &byte, 1, (off_t)(uintptr_t)&secret) != 1 || byte != secret) outcome = failed("read");
  if (memory >= 0) close(memory);
  kill(child, SIGKILL);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  return outcome;
}

static void print(const char *name, struct outcome outcome) {
  if (outcome.error == 0) printf("%s=ok\n", name);
  else printf("%s=%s:%d\n", name, outcome.step, outcome.error);
}

static bool has_thread_pidfd(void) {
  int fd = sys_pidfd_open(getpid(), SYS_PIDFD_THREAD);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* PROC_PID_INIT_INO of linux/proc_ns.h */
static bool in_initial_pid_namespace(void) {
  struct stat st;
  return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == 0xEFFFFFFCu;
}

/* Filters that were put on us before: a container's. Named are calls of which one refuses what the kernel alone would
   refuse otherwise, or not at all. */
static void print_outer_filters(void) {
  static char status[8192];
  static const struct {
    const char *name;
    long number;
    long args[5];
    int expected; /* without a filter: success or this */
  } calls[] = {
      {"unshare(CLONE_NEWUSER)", SYS_unshare, {CLONE_NEWUSER, 0, 0, 0, 0}, 0},
      {"clone3", 435, {0, 0, 0, 0, 0}, EINVAL},
      {"pidfd_getfd", SYS_pidfd_getfd, {-1, 0, 0, 0, 0}, EBADF},
      {"process_vm_readv", SYS_process_vm_readv, {0, 0, 0, 0, 0}, ESRCH},
      {"ptrace", SYS_ptrace, {24, 0, 0, 0, 0}, ESRCH},
      {"kcmp", SYS_kcmp, {0, 0, 0, 0, 0}, ESRCH},
      {"keyctl", SYS_keyctl, {-1, 0, 0, 0, 0}, EOPNOTSUPP},
      {"io_uring_setup", 425, {0, 0, 0, 0, 0}, EFAULT},
      {"fsopen", SYS_fsopen, {0, 0, 0, 0, 0}, EPERM},
      {"name_to_handle_at", SYS_name_to_handle_at, {-1, 0, 0, 0, 0}, EFAULT},
      {"fanotify_init", SYS_fanotify_init, {-1, 0, 0, 0, 0}, EINVAL},
      {"socket(AF_VSOCK)", SYS_socket, {40, 1, 0, 0, 0}, EAFNOSUPPORT},
      {"socket(AF_ALG)", SYS_socket, {38, 5, 0, 0, 0}, EAFNOSUPPORT},
  };
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, status, sizeof status - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return;
  status[length] = 0;
  const char *count = strstr(status, "\nSeccomp_filters:");
  const char *mode = strstr(status, "\nSeccomp:");
  if (mode == NULL || mode[10] != '2') return; /* tab, then the mode */
  printf("outer_filters=%ld\n", count == NULL ? 1 : strtol(count + 17, NULL, 10));
  printf("outer_refuses=");
  const char *before = "";
  fflush(stdout);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    pid_t child = fork();
    if (child == 0) {
      const long *a = calls[i].args;
      long got = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]);
      _exit(got < 0 && (errno == EPERM || errno == ENOSYS) && errno != calls[i].expected);
    }
    int ended = 0;
    while (child > 0 && waitpid(child, &ended, 0) < 0 && errno == EINTR) {}
    if (child <= 0 || ended == 0) continue;
    printf("%s%s", before, calls[i].name);
    before = ", ";
  }
  printf("\n");
}

int probe_main(void) {
  printf("landlock_abi=%d\n", landlock_abi());
  print("namespaces", try_namespaces());
  struct outcome killable = try_listener(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  print("listener", killable.error == 0 ? killable : try_listener(0));
  print("memory", try_memory());
  printf("wait_killable=%d\n", killable.error == 0);
  printf("thread_pidfd=%d\n", has_thread_pidfd());
  printf("netns_cookie=%d\n", network_cookie() != 0);
  printf("initial_pid_namespace=%d\n", in_initial_pid_namespace());
  print_outer_filters();
  return fflush(stdout) == 0 ? 0 : 1;
}
