#define _GNU_SOURCE
#include "root.h"
#include "sys.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define RESOLVE (SYS_RESOLVE_NO_SYMLINKS | SYS_RESOLVE_NO_MAGICLINKS | SYS_RESOLVE_BENEATH)
#define PRIVATE_NAME ".openshell-private"

/* New mount points are made in file systems that this launch made itself, and in a directory that is kept for the
   sandbox alone: never anywhere else on the host. */
struct builder {
  const struct document *plan;
  int root;         /* read-only in the end: mount points and links */
  int private_root; /* holds the private directories; shown nowhere as a whole */
  dev_t root_device;
  dev_t private_device;
  uint64_t kept_mount; /* 0: no directory is kept */
};

/* 0 where the kernel cannot tell (before Linux 5.8): then nothing is made there. */
static uint64_t mount_of(int fd) {
  struct statx st;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 || !(st.stx_mask & STATX_MNT_ID)) return 0;
  return st.stx_mnt_id;
}

static bool is_private(const struct builder *builder, int fd) {
  struct stat st;
  if (fstat(fd, &st) < 0) return false;
  errno = EROFS;
  return st.st_dev == builder->root_device || st.st_dev == builder->private_device;
}

static bool may_make_in(const struct builder *builder, int fd) {
  if (is_private(builder, fd)) return true;
  bool kept = builder->kept_mount != 0 && mount_of(fd) == builder->kept_mount;
  errno = EROFS;
  return kept;
}

static bool device_of(int fd, dev_t *device) {
  struct stat st;
  if (fstat(fd, &st) < 0) return false;
  *device = st.st_dev;
  return true;
}

/* Opens `path` (absolute) below the new root as O_PATH. */
static int open_below(const struct builder *builder, const char *path) {
  while (*path == '/') path++;
  if (*path == 0) return fcntl(builder->root, F_DUPFD_CLOEXEC, 0);
  return sys_openat2(builder->root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, RESOLVE);
}

/* Opens the directory that holds `path`, making missing ones, and gives the last component. */
static int open_parent(const struct builder *builder, const char *path, char last[NAME_MAX + 1]) {
  int dir = fcntl(builder->root, F_DUPFD_CLOEXEC, 0);
  while (dir >= 0) {
    while (*path == '/') path++;
    size_t length = strcspn(path, "/");
    if (length == 0 || length > NAME_MAX) {
      close(dir);
      errno = EINVAL;
      return -1;
    }
    memcpy(last, path, length);
    last[length] = 0;
    path += length;
    while (*path == '/') path++;
    if (*path == 0) return dir;
    int next = sys_openat2(dir, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, RESOLVE);
    if (next < 0 && errno == ENOENT && may_make_in(builder, dir) && mkdirat(dir, last, 0755) == 0)
      next = sys_openat2(dir, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, RESOLVE);
    int saved = errno;
    close(dir);
    errno = saved;
    dir = next;
  }
  return -1;
}

/* Opens the place where a mount goes, making it in private file systems: a directory, or an empty file. */
static int open_target(const struct builder *builder, const char *path, bool directory) {
  int target = open_below(builder, path);
  if (target >= 0 || errno != ENOENT) return target;
  char last[NAME_MAX + 1];
  int parent = open_parent(builder, path, last);
  if (parent < 0) return -1;
  int made = -1;
  if (may_make_in(builder, parent)) {
    if (directory) {
      made = mkdirat(parent, last, 0755);
    } else {
      made = openat(parent, last, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0444);
      if (made >= 0) close(made);
    }
  }
  if (made >= 0) target = sys_openat2(parent, last, O_PATH | O_NOFOLLOW | O_CLOEXEC, RESOLVE);
  int saved = errno;
  close(parent);
  errno = saved;
  return target;
}

static bool is_directory(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool attach(const struct builder *builder, int tree, const char *path) {
  int target = open_target(builder, path, is_directory(tree));
  if (target < 0) return false;
  int result = sys_move_mount(tree, target);
  int saved = errno;
  close(target);
  errno = saved;
  return result == 0;
}

static int new_tmpfs(uint64_t size, const char *mode) {
  char text[32];
  int fs = sys_fsopen("tmpfs");
  if (fs < 0) return -1;
  int mount = -1;
  snprintf(text, sizeof text, "%llu", (unsigned long long)size);
  if ((size == 0 || sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "size", text) == 0) &&
      sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "mode", mode) == 0 &&
      sys_fsconfig(fs, SYS_FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
    mount = sys_fsmount(fs, SYS_MOUNT_ATTR_NOSUID | SYS_MOUNT_ATTR_NODEV);
  int saved = errno;
  close(fs);
  errno = saved;
  return mount;
}

static int new_kernel_fs(const char *type, const char *key, const char *value) {
  int fs = sys_fsopen(type);
  if (fs < 0) return -1;
  int mount = -1;
  if ((key == NULL || sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, key, value) == 0) &&
      sys_fsconfig(fs, SYS_FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
    mount = sys_fsmount(fs, SYS_MOUNT_ATTR_NOSUID | SYS_MOUNT_ATTR_NOEXEC |
                                (strcmp(type, "proc") == 0 ? SYS_MOUNT_ATTR_NODEV : 0));
  int saved = errno;
  close(fs);
  errno = saved;
  return mount;
}

static bool add_bind(struct builder *builder, const struct mount_row *row, int tree) {
  struct sys_mount_attr attr = {.attr_set = SYS_MOUNT_ATTR_NOSUID};
  if (!(row->flags & MOUNT_FLAG_WRITABLE)) attr.attr_set |= SYS_MOUNT_ATTR_RDONLY;
  if (!(row->flags & MOUNT_FLAG_DEVICES)) attr.attr_set |= SYS_MOUNT_ATTR_NODEV;
  if (sys_mount_setattr(tree, AT_EMPTY_PATH | SYS_AT_RECURSIVE, &attr) < 0) return false;
  if (!attach(builder, tree, document_text(builder->plan, row->target))) return false;
  if (row->flags & MOUNT_FLAG_KEPT) builder->kept_mount = mount_of(tree);
  return true;
}

/* A new directory of the private file system, shown at its target. */
static bool add_private(struct builder *builder, const struct mount_row *row, uint32_t number) {
  char name[16];
  snprintf(name, sizeof name, "%u", number);
  if (mkdirat(builder->private_root, name, 0700) < 0) return false;
  int tree = sys_open_tree(builder->private_root, name, SYS_OPEN_TREE_CLONE | SYS_OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
  if (tree < 0) return false;
  struct sys_mount_attr attr = {.attr_set = SYS_MOUNT_ATTR_NOSUID | SYS_MOUNT_ATTR_NODEV};
  if (!(row->flags & MOUNT_FLAG_WRITABLE)) attr.attr_set |= SYS_MOUNT_ATTR_RDONLY;
  bool good = fchmodat(builder->private_root, name, row->mode, 0) == 0 && sys_mount_setattr(tree, AT_EMPTY_PATH, &attr) == 0 &&
              attach(builder, tree, document_text(builder->plan, row->target));
  int saved = errno;
  close(tree);
  errno = saved;
  return good;
}

static bool add_kernel_fs(struct builder *builder, const struct mount_row *row) {
  int mount = row->kind == MOUNT_KIND_PROC ? new_kernel_fs("proc", NULL, NULL) : new_kernel_fs("devpts", "ptmxmode", "666");
  if (mount < 0) return false;
  bool good = attach(builder, mount, document_text(builder->plan, row->target));
  int saved = errno;
  close(mount);
  errno = saved;
  return good;
}

static bool write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    length -= (size_t)written;
  }
  return true;
}

/* A file with given content, bound read-only: also over a file of a directory that itself is not writable. It is made
   under a name of ours in the root, which is then removed; the mount keeps the file. */
static bool add_file(struct builder *builder, const struct mount_row *row) {
  static const char name[] = ".openshell-file";
  const char *content = document_text(builder->plan, row->source);
  int file = openat(builder->root, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return false;
  int tree = -1;
  bool good = write_all(file, content, row->source.length) && fchmod(file, row->mode) == 0;
  if (good) tree = sys_open_tree(builder->root, name, SYS_OPEN_TREE_CLONE | SYS_OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
  if (tree >= 0) {
    struct sys_mount_attr attr = {.attr_set = SYS_MOUNT_ATTR_RDONLY | SYS_MOUNT_ATTR_NOSUID | SYS_MOUNT_ATTR_NODEV | SYS_MOUNT_ATTR_NOEXEC};
    good = sys_mount_setattr(tree, AT_EMPTY_PATH, &attr) == 0 && attach(builder, tree, document_text(builder->plan, row->target));
  } else {
    good = false;
  }
  int saved = errno;
  if (tree >= 0) close(tree);
  close(file);
  if (unlinkat(builder->root, name, 0) < 0) good = false;
  errno = saved;
  return good;
}

static bool add_symlink(struct builder *builder, const struct mount_row *row) {
  char last[NAME_MAX + 1];
  int parent = open_parent(builder, document_text(builder->plan, row->target), last);
  if (parent < 0) return false;
  bool good = is_private(builder, parent) && symlinkat(document_text(builder->plan, row->source), parent, last) == 0;
  int saved = errno;
  close(parent);
  errno = saved;
  return good;
}

static bool add_row(struct builder *builder, const struct mount_row *row, uint32_t number, int tree) {
  switch (row->kind) {
    case MOUNT_KIND_BIND: return add_bind(builder, row, tree);
    case MOUNT_KIND_PRIVATE: return add_private(builder, row, number);
    case MOUNT_KIND_PROC:
    case MOUNT_KIND_DEVPTS: return add_kernel_fs(builder, row);
    case MOUNT_KIND_FILE: return add_file(builder, row);
    case MOUNT_KIND_SYMLINK: return add_symlink(builder, row);
    default: errno = EINVAL; return false;
  }
}

/* Both file systems; the private one is attached for a while, since older kernels copy no part of a detached mount. */
static bool begin(struct builder *builder) {
  const struct settings_row *settings = DOCUMENT_ROWS(builder->plan, SECTION_SETTINGS, settings_row);
  builder->root = new_tmpfs(4 << 20, "755");
  builder->private_root = new_tmpfs(settings->private_bytes, "700");
  if (builder->root < 0 || builder->private_root < 0 || !device_of(builder->root, &builder->root_device) ||
      !device_of(builder->private_root, &builder->private_device))
    return false;
  /* Mounted over the old root, which stays reachable for this process alone: its own root does not follow it. */
  int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old < 0 || sys_move_mount(builder->root, old) < 0) return false;
  close(old);
  return attach(builder, builder->private_root, PRIVATE_NAME);
}

static bool end(struct builder *builder) {
  struct sys_mount_attr frozen = {.attr_set = SYS_MOUNT_ATTR_RDONLY};
  if (fchdir(builder->root) < 0 || umount2(PRIVATE_NAME, MNT_DETACH) < 0 || rmdir(PRIVATE_NAME) < 0) return false;
  close(builder->private_root);
  return sys_mount_setattr(builder->root, AT_EMPTY_PATH, &frozen) == 0;
}

bool root_build(const struct document *plan, const struct sources *sources, struct failure *failure) {
  const struct mount_row *rows = DOCUMENT_ROWS(plan, SECTION_MOUNT, mount_row);
  struct builder builder = {.plan = plan};
  if (!begin(&builder)) return fail(failure, STEP_NEW_ROOT, NO_ROW);
  for (uint32_t i = 0; i < sources->count; i++) {
    if (!add_row(&builder, &rows[i], i, sources->trees[i])) return fail(failure, STEP_MOUNT, i);
    if (sources->trees[i] >= 0) close(sources->trees[i]);
  }
  if (!end(&builder)) return fail(failure, STEP_NEW_ROOT, NO_ROW);
  if (fchdir(builder.root) < 0 || sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
    return fail(failure, STEP_PIVOT, NO_ROW);
  close(builder.root);
  return true;
}
