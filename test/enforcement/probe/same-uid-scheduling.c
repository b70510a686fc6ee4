/* On the limits, priorities and processors of a process: what it has is set again. */
#define _GNU_SOURCE
#include "same-uid.h"
#include "probe.h"
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int resource_of(const char *detail) {
  return strcmp(detail, "cpu") == 0 ? RLIMIT_CPU : strcmp(detail, "files") == 0 ? RLIMIT_NOFILE : RLIMIT_CORE;
}
/* Where the present one cannot be read, the own. */
static struct rlimit present_limit(pid_t pid, int resource) {
  struct rlimit present;
  if (syscall(SYS_prlimit64, pid, resource, NULL, &present) < 0 && getrlimit(resource, &present) < 0) broken("getrlimit");
  return present;
}
static long limit(const struct victim *v, const char *detail) {
  struct rlimit present = present_limit(v->pid, resource_of(detail));
  return syscall(SYS_prlimit64, v->pid, resource_of(detail), &present, NULL);
}
/* The kernel cuts off the upper half of a number. */
#define WITH_HIGH_HALF(pid) ((unsigned long)(pid) | 1ul << 32)
static long limit_high(const struct victim *v, const char *detail) {
  struct rlimit present = present_limit(v->pid, resource_of(detail));
  return syscall(SYS_prlimit64, WITH_HIGH_HALF(v->pid), resource_of(detail), &present, NULL);
}
/* Limits at an address whose lower half is 0, as if there were none. */
static long limit_aligned(const struct victim *v, const char *detail) {
  void *where = (void *)(7ul << 32);
  struct rlimit *copy = mmap(where, sizeof *copy, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (copy != where) broken("mmap");
  *copy = present_limit(v->pid, resource_of(detail));
  return syscall(SYS_prlimit64, v->pid, resource_of(detail), copy, NULL);
}
static long prioritise_high(const struct victim *v, const char *detail) {
  (void)detail;
  int present = getpriority(PRIO_PROCESS, (id_t)v->pid);
  return syscall(SYS_setpriority, WITH_HIGH_HALF(PRIO_PROCESS), WITH_HIGH_HALF(v->pid), present);
}

#ifdef __x86_64__
/* prlimit64 of i386; its limits are of the same form, below 4 GiB. */
static long limit_32(const struct victim *v, const char *detail) {
  int resource = resource_of(detail);
  struct rlimit *copy = mmap(NULL, sizeof *copy, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (copy == MAP_FAILED) broken("mmap");
  *copy = present_limit(v->pid, resource);
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(340L), "b"((long)v->pid), "c"((long)resource), "d"(copy), "S"(0L)
                   : "memory", "r8", "r9", "r10", "r11");
  errno = (int)-result;
  return result < 0 ? -1 : 0;
}
#else
static long limit_32(const struct victim *v, const char *detail) {
  (void)v;
  (void)detail;
  return no_such_call();
}
#endif

static long place(const struct victim *v, const char *detail) {
  (void)detail;
  cpu_set_t set;
  if (sched_getaffinity(v->pid, sizeof set, &set) < 0 && sched_getaffinity(0, sizeof set, &set) < 0)
    broken("sched_getaffinity");
  return sched_setaffinity(v->pid, sizeof set, &set);
}
static long schedule(const struct victim *v, const char *detail) {
  (void)detail;
  struct sched_param none = {0};
  return sched_setscheduler(v->pid, SCHED_OTHER, &none);
}
static long schedule_parameters(const struct victim *v, const char *detail) {
  (void)detail;
  struct sched_param none = {0};
  return sched_setparam(v->pid, &none);
}
static long schedule_attributes(const struct victim *v, const char *detail) {
  (void)detail;
  uint32_t attributes[14] = {48};
  if (syscall(SYS_sched_getattr, v->pid, attributes, sizeof attributes, 0) < 0) attributes[0] = 48;
  return syscall(SYS_sched_setattr, v->pid, attributes, 0);
}
static long prioritise(const struct victim *v, const char *detail) {
  int which = *detail == 'p' ? PRIO_PROCESS : *detail == 'g' ? PRIO_PGRP : PRIO_USER;
  id_t who = which == PRIO_PROCESS ? (id_t)v->pid : which == PRIO_PGRP ? (id_t)getpgid(v->pid) : getuid();
  return setpriority(which, who, getpriority(PRIO_PROCESS, (id_t)v->pid));
}
/* 0: as its nice value says. */
static long io_prioritise(const struct victim *v, const char *detail) {
  long which = *detail == 'p' ? 1 : *detail == 'g' ? 2 : 3;
  long who = which == 1 ? v->pid : which == 2 ? getpgid(v->pid) : (long)getuid();
  return syscall(SYS_ioprio_set, which, who, 0);
}

const struct attack SCHEDULING_ATTACKS[] = {
    {"prlimit-cpu", limit, "cpu"},
    {"prlimit-files", limit, "files"},
    {"prlimit-core", limit, "core"},
    {"prlimit-high-half", limit_high, "files"},
    {"prlimit-aligned", limit_aligned, "files"},
    {"prlimit-int80", limit_32, "files"},
    {"sched-setaffinity", place, ""},
    {"sched-setscheduler", schedule, ""},
    {"sched-setparam", schedule_parameters, ""},
    {"sched-setattr", schedule_attributes, ""},
    {"setpriority-process", prioritise, "process"},
    {"setpriority-high-half", prioritise_high, ""},
    {"setpriority-group", prioritise, "group"},
    {"setpriority-user", prioritise, "user"},
    {"ioprio-process", io_prioritise, "process"},
    {"ioprio-group", io_prioritise, "group"},
    {"ioprio-user", io_prioritise, "user"},
    {0},
};
