/* On the memory of a process, what it holds, and what /proc tells of it. */
#define _GNU_SOURCE
#include "same-uid.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/perf_event.h>

#define NR_pidfd_send_signal 424
#define NR_pidfd_open 434
#define NR_pidfd_getfd 438
#define NR_process_madvise 440
#define NR_process_mrelease 448

#define PIDFD_OF_THREAD O_EXCL /* PIDFD_THREAD */

int pidfd_of(pid_t pid) {
  int pidfd = (int)syscall(NR_pidfd_open, pid, 0);
  return pidfd >= 0 ? pidfd : open_in_proc(pid, "", O_RDONLY | O_DIRECTORY);
}

/* That it is there, so that no attack fails only since its number is wrong. */
static long there(const struct victim *v, const char *detail) {
  (void)detail;
  struct stat st;
  char path[32];
  snprintf(path, sizeof path, "/proc/%d", v->pid);
  if (stat(path, &st) < 0 || getpgid(v->pid) < 0) return -1;
  errno = ENOENT;
  return state_of(v->pid) == 0 ? -1 : 0;
}

static long trace(const struct victim *v, const char *detail) {
  if (*detail == 's') return ptrace(PTRACE_SEIZE, v->pid, NULL, NULL);
  if (ptrace(PTRACE_ATTACH, v->pid, NULL, NULL) < 0) return -1;
  waitpid(v->pid, NULL, __WALL);
  return ptrace(PTRACE_DETACH, v->pid, NULL, NULL);
}

static unsigned long address_in(const struct victim *v) { return v->word != 0 ? v->word : 0x400000; }

static long copy_memory(const struct victim *v, const char *detail) {
  unsigned long word = 0;
  struct iovec here = {&word, sizeof word};
  struct iovec remote = {(void *)address_in(v), sizeof word};
  long call = *detail == 'r' ? SYS_process_vm_readv : SYS_process_vm_writev;
  return syscall(call, v->pid, &here, 1ul, &remote, 1ul, 0ul);
}
static long memory_file(const struct victim *v, const char *path, int flags) {
  unsigned long word = 0;
  int file = open_in_proc(v->pid, path, flags);
  if (file < 0) return -1;
  if (flags == O_RDONLY) return pread(file, &word, sizeof word, (off_t)address_in(v)) > 0 ? 0 : -1;
  return pwrite(file, &word, sizeof word, (off_t)address_in(v)) > 0 ? 0 : -1;
}
static long read_memory(const struct victim *v, const char *path) { return memory_file(v, path, O_RDONLY); }
static long write_memory(const struct victim *v, const char *path) { return memory_file(v, path, O_RDWR); }
static long read_thread_memory(const struct victim *v, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "task/%d/%s", v->pid, name);
  return read_memory(v, path);
}

static long pidfd_open(const struct victim *v, const char *detail) {
  return syscall(NR_pidfd_open, v->pid, *detail == 't' ? PIDFD_OF_THREAD : 0);
}
static long pidfd_getfd(const struct victim *v, const char *detail) {
  (void)detail;
  return syscall(NR_pidfd_getfd, pidfd_of(v->pid), 0, 0);
}
static long pidfd_signal(const struct victim *v, const char *detail) {
  (void)detail;
  return syscall(NR_pidfd_send_signal, pidfd_of(v->pid), 0, NULL, 0);
}
static long pidfd_advise(const struct victim *v, const char *detail) {
  (void)detail;
  struct iovec range = {(void *)(address_in(v) & ~4095ul), 4096};
  return syscall(NR_process_madvise, pidfd_of(v->pid), &range, 1ul, 20 /* MADV_COLD */, 0u);
}
static long pidfd_release(const struct victim *v, const char *detail) {
  (void)detail;
  return syscall(NR_process_mrelease, pidfd_of(v->pid), 0);
}
/* pidfs gives out handles, and takes them again with no right but that to read them. */
static long pidfd_by_handle(const struct victim *v, const char *detail) {
  (void)detail;
  struct {
    struct file_handle header;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle = {.header = {.handle_bytes = 8, .handle_type = 0xfe /* FILEID_KERNFS */}};
  int mount = 0;
  int pidfd = (int)syscall(NR_pidfd_open, v->pid, 0);
  if (pidfd >= 0 && name_to_handle_at(pidfd, "", &handle.header, &mount, AT_EMPTY_PATH) < 0) return -1;
  int copy = open_by_handle_at(pidfd >= 0 ? pidfd : -10002 /* FD_PIDFS_ROOT */, &handle.header, 0);
  return copy;
}
static long read_file(const struct victim *v, const char *name) {
  char text[64];
  int file = open_in_proc(v->pid, name, O_RDONLY);
  if (file < 0) return -1;
  errno = ENODATA;
  return read(file, text, sizeof text) > 0 ? 0 : -1;
}
static long list(const struct victim *v, const char *name) {
  int file = open_in_proc(v->pid, name, O_RDONLY | O_DIRECTORY);
  DIR *entries = file < 0 ? NULL : fdopendir(file);
  if (entries == NULL) return -1;
  errno = ENODATA;
  for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
    if (entry->d_name[0] != '.') return 0;
  return -1;
}
static long follow(const struct victim *v, const char *name) { return open_in_proc(v->pid, name, O_RDONLY | O_NONBLOCK); }
static long follow_thread(const struct victim *v, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "task/%d/%s", v->pid, name);
  return follow(v, path);
}
static long read_link(const struct victim *v, const char *name) {
  char path[64];
  char text[256];
  snprintf(path, sizeof path, "/proc/%d/%s", v->pid, name);
  return readlink(path, text, sizeof text);
}
static long write_text(const struct victim *v, const char *name, const char *text, size_t length) {
  int file = open_in_proc(v->pid, name, O_WRONLY);
  return file < 0 ? -1 : write(file, text, length);
}
/* What stands there already; for coredump_filter that is hexadecimal without saying so. */
static long write_again(const struct victim *v, const char *name) {
  char text[64] = "0x";
  int file = open_in_proc(v->pid, name, O_RDONLY);
  ssize_t length = file < 0 ? -1 : read(file, text + 2, sizeof text - 2);
  if (length <= 0) return write_text(v, name, "0", 1);
  int skipped = strcmp(name, "coredump_filter") == 0 ? 0 : 2;
  return write_text(v, name, text + skipped, (size_t)(length + 2 - skipped));
}
static long write_one(const struct victim *v, const char *name) { return write_text(v, name, "1", 1); }

static long perf(const struct victim *v, const char *detail) {
  (void)detail;
  struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE,
                                  .size = sizeof event,
                                  .config = PERF_COUNT_SW_TASK_CLOCK,
                                  .exclude_kernel = 1,
                                  .exclude_hv = 1};
  return syscall(SYS_perf_event_open, &event, v->pid, -1, -1, 0ul);
}
/* KCMP_FILES */
static long compare(const struct victim *v, const char *detail) {
  (void)detail;
  return syscall(SYS_kcmp, getpid(), v->pid, 2, 0, 0);
}
static long robust_list(const struct victim *v, const char *detail) {
  (void)detail;
  void *head;
  size_t length;
  return syscall(SYS_get_robust_list, v->pid, &head, &length);
}
static long core_scheduling(const struct victim *v, const char *detail) {
  (void)detail;
  return prctl(62 /* PR_SCHED_CORE */, 1 /* CREATE */, v->pid, 1 /* the process */, 0);
}
static long migrate(const struct victim *v, const char *detail) {
  (void)detail;
  unsigned long nodes = 1;
  return syscall(SYS_migrate_pages, v->pid, sizeof nodes * 8, &nodes, &nodes);
}
static long move_pages(const struct victim *v, const char *detail) {
  (void)detail;
  return syscall(SYS_move_pages, v->pid, 0ul, NULL, NULL, NULL, 0);
}

const struct attack TRACING_ATTACKS[] = {
    {"there", there, ""},
    {"ptrace-attach", trace, "attach"},
    {"ptrace-seize", trace, "seize"},
    {"process-vm-readv", copy_memory, "read"},
    {"process-vm-writev", copy_memory, "write"},
    {"memory-read", read_memory, "mem"},
    {"memory-write", write_memory, "mem"},
    {"memory-of-thread", read_thread_memory, "mem"},
    {"pidfd-open", pidfd_open, "process"},
    {"pidfd-open-thread", pidfd_open, "thread"},
    {"pidfd-getfd", pidfd_getfd, ""},
    {"pidfd-send-signal", pidfd_signal, ""},
    {"pidfd-by-handle", pidfd_by_handle, ""},
    {"process-madvise", pidfd_advise, ""},
    {"process-mrelease", pidfd_release, ""},
    {"environ", read_file, "environ"},
    {"maps", read_file, "maps"},
    {"smaps", read_file, "smaps"},
    {"pagemap", follow, "pagemap"},
    {"auxv", read_file, "auxv"},
    {"io", read_file, "io"},
    {"stack", read_file, "stack"},
    {"syscall", read_file, "syscall"},
    {"personality", read_file, "personality"},
    {"map-files", list, "map_files"},
    {"fd-list", list, "fd"},
    {"fdinfo-list", list, "fdinfo"},
    {"fd-link", read_link, "fd/0"},
    {"fd-open", follow, "fd/0"},
    {"fd-open-of-thread", follow_thread, "fd/0"},
    {"fdinfo-read", read_file, "fdinfo/0"},
    {"root", follow, "root/"},
    {"cwd", follow, "cwd/"},
    {"exe", follow, "exe"},
    {"exe-link", read_link, "exe"},
    {"namespace-link", read_link, "ns/net"},
    {"namespace-open", follow, "ns/net"},
    {"oom-score", write_again, "oom_score_adj"},
    {"timer-slack", write_one, "timerslack_ns"},
    {"clear-refs", write_one, "clear_refs"},
    {"coredump-filter", write_again, "coredump_filter"},
    {"comm", write_one, "comm"},
    {"perf-event-open", perf, ""},
    {"kcmp", compare, ""},
    {"robust-list", robust_list, ""},
    {"core-scheduling", core_scheduling, ""},
    {"migrate-pages", migrate, ""},
    {"move-pages", move_pages, ""},
    {0},
};
