#define _GNU_SOURCE
#include "root.h"
#include "sys.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* A user namespace whose only purpose is to hold `on_disk -> host` id maps for mount_setattr(2). */
static int mapping_namespace(uint32_t disk_uid, uint32_t disk_gid, uid_t host_uid, gid_t host_gid) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) < 0) return -1;
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
  if (child < 0) {
    close(ready[0]);
    close(ready[1]);
    return -1;
  }
  if (child == 0) {
    char byte;
    close(ready[1]);
    while (read(ready[0], &byte, 1) < 0 && errno == EINTR) {}
    _exit(0);
  }
  char path[64];
  char line[64];
  int result = -1;
  bool mapped = true;
  const struct {
    const char *file;
    uint32_t disk;
    uint32_t host;
  } maps[] = {{"uid_map", disk_uid, host_uid}, {"gid_map", disk_gid, host_gid}};
  for (int i = 0; i < 2 && mapped; i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", child, maps[i].file);
    int length = snprintf(line, sizeof line, "%u %u 1\n", maps[i].disk, maps[i].host);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    mapped = fd >= 0 && write(fd, line, (size_t)length) == length;
    if (fd >= 0) close(fd);
  }
  if (mapped) {
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    result = open(path, O_RDONLY | O_CLOEXEC);
  }
  int saved = errno;
  close(ready[0]);
  close(ready[1]);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  errno = saved;
  return result;
}

static bool map_owner(int tree, const struct mount_row *row, uid_t host_uid, gid_t host_gid) {
  int namespace = mapping_namespace(row->owner_uid, row->owner_gid, host_uid, host_gid);
  if (namespace < 0) return false;
  struct sys_mount_attr attr = {.attr_set = SYS_MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
  int result = sys_mount_setattr(tree, AT_EMPTY_PATH | SYS_AT_RECURSIVE, &attr);
  int saved = errno;
  close(namespace);
  errno = saved;
  return result == 0;
}

/* The plan names canonical paths: a symbolic link met now was put there since, so it is refused. */
static int open_source(const char *path) {
  int place = sys_openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, SYS_RESOLVE_NO_SYMLINKS | SYS_RESOLVE_NO_MAGICLINKS);
  if (place < 0) return -1;
  int tree = sys_open_tree(place, "", AT_EMPTY_PATH | SYS_AT_RECURSIVE | SYS_OPEN_TREE_CLONE | SYS_OPEN_TREE_CLOEXEC);
  /* A copy of a shared mount is its peer: what the host mounts there later would appear inside, with flags of its own. */
  struct sys_mount_attr attr = {.propagation = MS_PRIVATE};
  bool cut_off = tree >= 0 && sys_mount_setattr(tree, AT_EMPTY_PATH | SYS_AT_RECURSIVE, &attr) == 0;
  int saved = errno;
  close(place);
  if (tree >= 0 && !cut_off) close(tree);
  errno = saved;
  return cut_off ? tree : -1;
}

bool sources_open(struct sources *sources, const struct document *plan, bool idmap, uid_t host_uid, gid_t host_gid,
                  struct failure *failure) {
  const struct mount_row *rows = DOCUMENT_ROWS(plan, SECTION_MOUNT, mount_row);
  sources->count = DOCUMENT_COUNT(plan, SECTION_MOUNT);
  sources->trees = calloc(sources->count + 1, sizeof *sources->trees);
  if (sources->trees == NULL) return fail(failure, STEP_OPEN_SOURCE, NO_ROW);
  for (uint32_t i = 0; i < sources->count; i++) sources->trees[i] = -1;
  for (uint32_t i = 0; i < sources->count; i++) {
    if (rows[i].kind != MOUNT_KIND_BIND) continue;
    int tree = open_source(document_text(plan, rows[i].source));
    if (tree < 0) return fail(failure, STEP_OPEN_SOURCE, i);
    sources->trees[i] = tree;
    if (idmap && (rows[i].flags & MOUNT_FLAG_IDMAPPED) && !map_owner(tree, &rows[i], host_uid, host_gid))
      return fail(failure, STEP_IDMAP, i);
  }
  return true;
}
