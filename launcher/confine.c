#define _GNU_SOURCE
#include "confine.h"
#include "sys.h"
#include "tree.h"
#include <errno.h>
#include <linux/capability.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

bool confine_rlimits(const struct document *plan, struct failure *failure) {
  const struct rlimit_row *rows = DOCUMENT_ROWS(plan, SECTION_RLIMIT, rlimit_row);
  for (uint32_t i = 0; i < DOCUMENT_COUNT(plan, SECTION_RLIMIT); i++) {
    struct rlimit present;
    uint64_t present_use = rows[i].above ? tree_tasks_of_user(getuid()) : 0;
    struct rlimit wanted = {.rlim_cur = rows[i].soft + present_use, .rlim_max = rows[i].hard + present_use};
    if (getrlimit((int)rows[i].resource, &present) < 0) return fail(failure, STEP_RLIMIT, i);
    if (wanted.rlim_max > present.rlim_max) wanted.rlim_max = present.rlim_max;
    if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
    if (setrlimit((int)rows[i].resource, &wanted) < 0) return fail(failure, STEP_RLIMIT, i);
  }
  return true;
}

bool confine_privileges(struct failure *failure) {
  for (unsigned long capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break; /* past the last one that this kernel knows */
    if (errno == EPERM) break; /* no CAP_SETPCAP: nothing in the set can be had either, with no_new_privs */
    return fail(failure, STEP_CAPABILITIES, capability);
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return fail(failure, STEP_CAPABILITIES, NO_ROW);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
  memset(none, 0, sizeof none);
  if (syscall(SYS_capset, &header, none) < 0) return fail(failure, STEP_CAPABILITIES, NO_ROW);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail(failure, STEP_CAPABILITIES, NO_ROW);
  return true;
}

int landlock_abi(void) {
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, SYS_LANDLOCK_CREATE_RULESET_VERSION);
  return abi < 0 ? 0 : (int)abi;
}

/* Rights that only make sense for directories: REMOVE_*, MAKE_*, READ_DIR, REFER (linux/landlock.h). */
/* WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV */
#define TERMINAL_RIGHTS ((1ull << 1) | (1ull << 2) | (1ull << 14) | (1ull << 15))
#define FILE_RIGHTS ((1ull << 0) | (1ull << 1) | (1ull << 2) | (1ull << 14) | (1ull << 15))

int confine_open_row(const struct document *plan, const struct landlock_row *row, const char *scratch) {
  const char *path = document_text(plan, row->path);
  char full[PATH_MAX];
  if (*path == '/') return open(path, O_PATH | O_CLOEXEC);
  int length = snprintf(full, sizeof full, "%s/%s", scratch, path);
  errno = ENAMETOOLONG;
  return length > 0 && (size_t)length < sizeof full ? open(full, O_PATH | O_CLOEXEC) : -1;
}

/* One row of the plan, or one more file. */
static bool add_rule(int ruleset, int path, uint64_t allowed) {
  struct stat st;
  if (path < 0 || fstat(path, &st) < 0) return false;
  struct sys_landlock_path rule = {.allowed = S_ISDIR(st.st_mode) ? allowed : allowed & FILE_RIGHTS, .parent = path};
  return rule.allowed == 0 || syscall(SYS_landlock_add_rule, ruleset, SYS_LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

int confine_ruleset(const struct document *plan, const char *scratch, int terminal, struct failure *failure) {
  const struct settings_row *settings = DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row);
  errno = EOPNOTSUPP;
  if (landlock_abi() < (int)settings->landlock_abi) {
    fail(failure, STEP_LANDLOCK_ABI, NO_ROW);
    return -1;
  }
  struct sys_landlock_ruleset attr = {
      .handled_fs = settings->handled_fs, .handled_net = settings->handled_net, .scoped = settings->scoped};
  size_t size = attr.scoped != 0 ? 24 : attr.handled_net != 0 ? 16 : 8;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
  if (ruleset < 0) {
    fail(failure, STEP_LANDLOCK, NO_ROW);
    return -1;
  }

  const struct landlock_row *rows = DOCUMENT_ROWS(plan, SECTION_LANDLOCK, landlock_row);
  uint64_t row = 0;
  bool good = true;
  for (; good && row < DOCUMENT_COUNT(plan, SECTION_LANDLOCK); row += good) {
    int path = confine_open_row(plan, &rows[row], scratch);
    good = add_rule(ruleset, path, rows[row].access & settings->handled_fs);
    if (path >= 0 && good) close(path);
  }
  if (good) row = NO_ROW;
  if (good && terminal >= 0) good = add_rule(ruleset, terminal, TERMINAL_RIGHTS & settings->handled_fs);
  if (good) return ruleset;
  fail(failure, STEP_LANDLOCK_RULE, row);
  close(ruleset);
  return -1;
}

bool confine_landlock(const struct document *plan, const char *scratch, int terminal, struct failure *failure) {
  const struct settings_row *settings = DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row);
  if (settings->handled_fs == 0) return true; /* a degraded plan that says so */
  int ruleset = confine_ruleset(plan, scratch, terminal, failure);
  if (ruleset < 0) return false;
  if (!confine_by(ruleset)) return fail(failure, STEP_LANDLOCK, NO_ROW);
  close(ruleset);
  return true;
}

bool confine_by(int ruleset) { return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0; }

int confine_seccomp(const struct document *plan, bool *killable, struct failure *failure) {
  const struct instruction_row *rows = DOCUMENT_ROWS(plan, SECTION_INSTRUCTION, instruction_row);
  _Static_assert(sizeof(struct instruction_row) == sizeof(struct sock_filter), "one instruction is one sock_filter");
  struct sock_fprog program = {.len = (unsigned short)DOCUMENT_COUNT(plan, SECTION_INSTRUCTION),
                               .filter = (struct sock_filter *)(uintptr_t)rows};
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  *killable = true;
  long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (listener < 0 && errno == EINVAL) {
    *killable = false;
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  }
  if (listener < 0) fail(failure, STEP_SECCOMP, NO_ROW);
  return (int)listener;
}
