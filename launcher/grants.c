#define _GNU_SOURCE
#include "grants.h"
#include "confine.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* linux/landlock.h: WRITE_FILE; READ_FILE and READ_DIR */
#define WRITING (1ull << 1)
#define READING ((1ull << 2) | (1ull << 3))
/* Directories above a file: a path of PATH_MAX has fewer. */
#define MAX_DEPTH 2048

struct granted {
  dev_t device;
  ino_t inode;
  uint64_t access;
};

static struct granted *table;
static uint32_t used;

bool grants_load(const struct document *plan, const char *scratch) {
  const struct landlock_row *rows = DOCUMENT_ROWS(plan, SECTION_LANDLOCK, landlock_row);
  uint32_t count = DOCUMENT_COUNT(plan, SECTION_LANDLOCK);
  table = calloc(count > 0 ? count : 1, sizeof *table);
  if (table == NULL) return false;
  for (uint32_t i = 0; i < count; i++) {
    struct stat st;
    int path = confine_open_row(plan, &rows[i], scratch);
    if (path < 0 || fstat(path, &st) < 0) return false;
    close(path);
    /* A socket is listed to be connected to. */
    uint64_t access = S_ISSOCK(st.st_mode) ? rows[i].access & ~WRITING : rows[i].access;
    table[used++] = (struct granted){.device = st.st_dev, .inode = st.st_ino, .access = access};
  }
  return true;
}

static bool covers(const struct stat *st, enum grant grant) {
  uint64_t wanted = grant == GRANT_WRITE ? WRITING : READING;
  for (uint32_t i = 0; i < used; i++)
    if (table[i].inode == st->st_ino && table[i].device == st->st_dev && (table[i].access & wanted) != 0) return true;
  return false;
}

/* Whether a row grants it for the directory or for one above it, up to the root. Closes `dir`. */
static bool covered_above(int dir, enum grant grant) {
  struct stat st;
  struct stat below = {0};
  bool found = false;
  for (int depth = 0; dir >= 0 && depth < MAX_DEPTH && fstat(dir, &st) == 0; depth++) {
    found = covers(&st, grant);
    if (found || (depth > 0 && st.st_ino == below.st_ino && st.st_dev == below.st_dev)) break;
    below = st;
    int above = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    close(dir);
    dir = above;
  }
  if (dir >= 0) close(dir);
  return found;
}

/* Where the kernel says that a held file is; false where that is no place in a directory. */
static bool name_of(int held, char *name, size_t size) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", held);
  ssize_t length = readlink(link, name, size - 1);
  if (length <= 0 || (size_t)length >= size - 1) return false;
  name[length] = 0;
  return true;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text);
  return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* Opens the directory in which a held file has this name, -1 where it has not, by now. */
static int open_parent(char *name, const struct stat *held) {
  struct stat st;
  char *slash = strrchr(name, '/');
  char *last = slash + 1;
  if (*last == 0) return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* the root itself */
  *slash = 0;
  int parent = open(slash == name ? "/" : name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return -1;
  if (fstatat(parent, last, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == held->st_ino && st.st_dev == held->st_dev) return parent;
  close(parent);
  return -1;
}

bool grants_cover(int held, enum grant grant) {
  struct stat st;
  char name[PATH_MAX];
  if (fstat(held, &st) < 0) return false;
  if (covers(&st, grant)) return true;
  if (!name_of(held, name, sizeof name)) return false;
  /* Pipes, sockets, memory files; files that were removed. */
  if (name[0] != '/' || (st.st_nlink == 0 && ends_with(name, " (deleted)"))) return true;
  return covered_above(open_parent(name, &st), grant);
}
