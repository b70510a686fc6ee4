/* Kernel interfaces that the C library or its headers may be too old to know. Numbers are the kernel's ABI. */
#ifndef OPENSHELL_SYS_H
#define OPENSHELL_SYS_H

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* openat2(2), Linux 5.6 */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
struct sys_open_how {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
#define SYS_RESOLVE_NO_MAGICLINKS 0x02
#define SYS_RESOLVE_NO_SYMLINKS 0x04
#define SYS_RESOLVE_BENEATH 0x08

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve) {
  struct sys_open_how how = {.flags = flags, .mode = 0, .resolve = resolve};
  return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* fchmodat2(2), Linux 6.6 */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* The new mount API, Linux 5.2; mount_setattr(2), Linux 5.12 */
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#define SYS_OPEN_TREE_CLONE 1u
#define SYS_OPEN_TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define SYS_MOVE_MOUNT_F_EMPTY_PATH 0x04u
#define SYS_MOVE_MOUNT_T_EMPTY_PATH 0x40u
#define SYS_FSCONFIG_SET_FLAG 0
#define SYS_FSCONFIG_SET_STRING 1
#define SYS_FSCONFIG_CMD_CREATE 6
#define SYS_MOUNT_ATTR_RDONLY 0x01
#define SYS_MOUNT_ATTR_NOSUID 0x02
#define SYS_MOUNT_ATTR_NODEV 0x04
#define SYS_MOUNT_ATTR_NOEXEC 0x08
#define SYS_MOUNT_ATTR_IDMAP 0x00100000
#define SYS_AT_RECURSIVE 0x8000
struct sys_mount_attr {
  uint64_t attr_set;
  uint64_t attr_clr;
  uint64_t propagation;
  uint64_t userns_fd;
};

static inline int sys_open_tree(int dir, const char *path, unsigned flags) {
  return (int)syscall(SYS_open_tree, dir, path, flags);
}
static inline int sys_move_mount(int from, int to) {
  return (int)syscall(SYS_move_mount, from, "", to, "", SYS_MOVE_MOUNT_F_EMPTY_PATH | SYS_MOVE_MOUNT_T_EMPTY_PATH);
}
static inline int sys_fsopen(const char *type) {
  return (int)syscall(SYS_fsopen, type, 1u /* FSOPEN_CLOEXEC */);
}
static inline int sys_fsconfig(int fs, unsigned command, const char *key, const char *value) {
  return (int)syscall(SYS_fsconfig, fs, command, key, value, 0);
}
static inline int sys_fsmount(int fs, unsigned attributes) {
  return (int)syscall(SYS_fsmount, fs, 1u /* FSMOUNT_CLOEXEC */, attributes);
}
static inline int sys_mount_setattr(int mount, unsigned flags, struct sys_mount_attr *attr) {
  return (int)syscall(SYS_mount_setattr, mount, "", flags, attr, sizeof *attr);
}
static inline int sys_pivot_root(const char *new_root, const char *put_old) {
  return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/* close_range(2), Linux 5.9; CLOEXEC flag 5.11 */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
  return (int)syscall(SYS_close_range, first, last, flags);
}
#define SYS_CLOSE_RANGE_CLOEXEC 4u

/* pidfd_open(2) 5.3, pidfd_getfd(2) 5.6, PIDFD_THREAD 6.9 */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#define SYS_PIDFD_THREAD ((unsigned)O_EXCL)
static inline int sys_pidfd_open(pid_t pid, unsigned flags) {
  return (int)syscall(SYS_pidfd_open, pid, flags);
}
/* PIDFD_GET_INFO of linux/pidfd.h, Linux 6.13: the first version of its structure. Numbers are of the reader's pid namespace. */
struct sys_pidfd_info {
  uint64_t mask;
  uint64_t cgroup;
  uint32_t pid;
  uint32_t tgid;
  uint32_t ppid;
  uint32_t ids[8];
  int32_t exit_code;
};
#define SYS_PIDFD_GET_INFO 0xc040ff0bul
#define SYS_PIDFD_INFO_PID 1u
_Static_assert(sizeof(struct sys_pidfd_info) == 64, "its size is part of the number of the request");
static inline int sys_pidfd_getfd(int pidfd, int fd) {
  return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0u);
}

/* landlock(7) */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#define SYS_LANDLOCK_CREATE_RULESET_VERSION 1u
#define SYS_LANDLOCK_RULE_PATH_BENEATH 1
struct sys_landlock_ruleset {
  uint64_t handled_fs;
  uint64_t handled_net;
  uint64_t scoped;
};
struct sys_landlock_path {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

/* seccomp_unotify(2): WAIT_KILLABLE_RECV 5.19, SYNC_WAKE_UP 6.6 */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif
#define SYS_NOTIF_SYNC_WAKE_UP 1ull

/* SO_NETNS_COOKIE, Linux 5.14 */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#endif
