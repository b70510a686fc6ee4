/* Mounts and namespaces. What needs a mount or a descriptor first makes it where that is allowed, and goes on without
   where it is not, so that the answer is always that of the call in question. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NR_open_tree 428
#define NR_move_mount 429
#define NR_fsopen 430
#define NR_fsconfig 431
#define NR_fsmount 432
#define NR_fspick 433
#define NR_close_range 436
#define NR_mount_setattr 442
#define NR_open_tree_attr 467
#define OPEN_CLONE 1
#define CREATE_COMMAND 6

static long call_mount(char **a) { return mount("none", given(a[0]), "tmpfs", 0, NULL); }
static long call_mount_proc(char **a) { return mount("none", given(a[0]), "proc", 0, NULL); }
static long call_bind(char **a) { return mount(given(a[0]), given(a[1]), NULL, MS_BIND | MS_REC, NULL); }
static long remount_writable(char **a) {
  mount(given(a[0]), a[0], NULL, MS_BIND, NULL);
  return mount(NULL, given(a[0]), NULL, MS_REMOUNT | MS_BIND, NULL);
}
static long make_shared(char **a) {
  (void)a;
  return mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
}
static long call_umount(char **a) {
  call_mount(a);
  return umount2(given(a[0]), MNT_DETACH);
}
static long call_pivot_root(char **a) {
  call_mount(a);
  if (chdir(given(a[0])) < 0) broken(a[0]);
  return syscall(SYS_pivot_root, ".", ".");
}
static long call_chroot(char **a) { return chroot(given(a[0])); }

static int context(void) { return (int)syscall(NR_fsopen, "tmpfs", 0); }
static int detached(void) {
  int fs = context();
  syscall(NR_fsconfig, fs, CREATE_COMMAND, NULL, NULL, 0);
  return (int)syscall(NR_fsmount, fs, 0, 0);
}
static long call_fsopen(char **a) {
  (void)a;
  return context();
}
static long call_fsconfig(char **a) {
  (void)a;
  return syscall(NR_fsconfig, context(), CREATE_COMMAND, NULL, NULL, 0);
}
static long call_fsmount(char **a) {
  (void)a;
  return detached();
}
static long call_fspick(char **a) {
  call_mount(a);
  return syscall(NR_fspick, AT_FDCWD, given(a[0]), 0);
}
static long call_move_mount(char **a) {
  return syscall(NR_move_mount, detached(), "", AT_FDCWD, given(a[0]), 4 /* MOVE_MOUNT_F_EMPTY_PATH */);
}
static long call_open_tree(char **a) { return syscall(NR_open_tree, AT_FDCWD, given(a[0]), 0); }
static long call_open_tree_clone(char **a) { return syscall(NR_open_tree, AT_FDCWD, given(a[0]), OPEN_CLONE); }
static long call_open_tree_attr(char **a) {
  uint64_t attributes[4] = {0};
  return syscall(NR_open_tree_attr, AT_FDCWD, given(a[0]), OPEN_CLONE, attributes, sizeof attributes);
}
static long call_mount_setattr(char **a) {
  uint64_t attributes[4] = {1 /* MOUNT_ATTR_RDONLY */, 0, 0, 0};
  call_mount(a);
  return syscall(NR_mount_setattr, AT_FDCWD, given(a[0]), 0, attributes, sizeof attributes);
}

struct handle {
  unsigned bytes;
  int type;
  unsigned char value[128];
};
static long open_by_handle(char **a) {
  struct handle handle = {.bytes = sizeof handle.value};
  int id;
  call_mount(a);
  int directory = open(given(a[0]), O_RDONLY | O_DIRECTORY);
  if (directory < 0) broken(a[0]);
  if (syscall(SYS_name_to_handle_at, directory, "", &handle, &id, AT_EMPTY_PATH) < 0) handle.bytes = 8;
  return syscall(SYS_open_by_handle_at, directory, &handle, O_RDONLY);
}

/* FAN_CLASS_NOTIF | FAN_REPORT_FID: what an ordinary user may ask for. */
static int watcher(void) { return (int)syscall(SYS_fanotify_init, 0x200, O_RDONLY); }
static long call_fanotify_init(char **a) {
  (void)a;
  return watcher();
}
static long call_fanotify_mark(char **a) {
  return syscall(SYS_fanotify_mark, watcher(), 1 /* FAN_MARK_ADD */, (uint64_t)0x100 /* FAN_CREATE */, AT_FDCWD,
                 given(a[0]));
}

static long call_unshare(char **a) { return syscall(SYS_unshare, number(a[0])); }
static long call_setns(char **a) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/ns/%s", given(a[0]));
  int file = open(path, O_RDONLY);
  if (file < 0) broken(path);
  return syscall(SYS_setns, file, number(a[1]));
}

static int end_at_once(void *argument) {
  (void)argument;
  syscall(SYS_exit, 0);
  return 0;
}
static long clone_flags(unsigned long flags) {
  const size_t size = 65536;
  char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) broken("mmap");
  return clone(end_at_once, stack + size, (int)flags, NULL);
}
static long call_clone(char **a) { return clone_flags((unsigned long)number(a[0]) | SIGCHLD); }
/* The upper half of a register that the kernel cuts off. */
static long clone_high(char **a) {
  long child = syscall(SYS_clone, (unsigned long)number(a[0]) | SIGCHLD | 1ul << 40, NULL, NULL, NULL, NULL);
  if (child == 0) _exit(0);
  return child;
}
static long thread_with_own_table(char **a) {
  (void)a;
  return clone_flags(CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD);
}
static long unshare_table(char **a) {
  (void)a;
  return syscall(SYS_unshare, CLONE_FILES);
}
static long close_range_unshare(char **a) {
  (void)a;
  return syscall(NR_close_range, 1000, 1001, 2);
}

const struct entry MOUNT_ACTIONS[] = {
    {"mount", call_mount},
    {"mount-proc", call_mount_proc},
    {"bind-mount", call_bind},
    {"remount-writable", remount_writable},
    {"make-shared", make_shared},
    {"umount2", call_umount},
    {"pivot-root", call_pivot_root},
    {"chroot", call_chroot},
    {"fsopen", call_fsopen},
    {"fsconfig", call_fsconfig},
    {"fsmount", call_fsmount},
    {"fspick", call_fspick},
    {"move-mount", call_move_mount},
    {"open-tree", call_open_tree},
    {"open-tree-clone", call_open_tree_clone},
    {"open-tree-attr", call_open_tree_attr},
    {"mount-setattr", call_mount_setattr},
    {"open-by-handle", open_by_handle},
    {"fanotify-init", call_fanotify_init},
    {"fanotify-mark", call_fanotify_mark},
    {"unshare", call_unshare},
    {"setns", call_setns},
    {"clone", call_clone},
    {"clone-high", clone_high},
    {"thread-with-own-table", thread_with_own_table},
    {"unshare-table", unshare_table},
    {"close-range-unshare", close_range_unshare},
    {0},
};
