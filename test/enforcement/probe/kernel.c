/* System calls that act on the kernel, on memory or on the filter itself. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Numbers from 424 on are the same on all architectures. */
#define NR_pidfd_send_signal 424
#define NR_io_uring_setup 425
#define NR_io_uring_enter 426
#define NR_io_uring_register 427
#define NR_clone3 435
#define NR_openat2 437
#define NR_quotactl_fd 443
#define NR_memfd_secret 447
#define NR_statmount 457
#define NR_listmount 458
#define NR_lsm_set_self_attr 460

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 0x10u
#endif

#define CALL(name, expression) \
  static long name(char **a) { \
    (void)a; \
    return (expression); \
  }

/* Any call by its number, with up to six numbers as arguments. */
static long raw(char **a) {
  long values[7] = {0};
  for (int i = 0; i < 7 && a[i] != NULL; i++) values[i] = number(a[i]);
  return syscall(values[0], values[1], values[2], values[3], values[4], values[5], values[6]);
}

static long bpf_map(char **a) {
  (void)a;
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = 4;
  attr.value_size = 8;
  attr.max_entries = 1;
  return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
}

static long perf(char **a) {
  (void)a;
  struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_DUMMY,
                                 .exclude_kernel = 1, .exclude_hv = 1};
  return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

/* struct io_uring_params has 120 bytes. */
static int ring(void) {
  static uint8_t parameters[120];
  memset(parameters, 0, sizeof parameters);
  return (int)syscall(NR_io_uring_setup, 1, parameters);
}
CALL(io_uring_setup, ring())
CALL(io_uring_enter, syscall(NR_io_uring_enter, ring(), 0, 0, 0, NULL, 0))
/* IORING_REGISTER_FILES_UPDATE and the like need more; IORING_UNREGISTER_BUFFERS of a new ring says ENXIO, so a probe
   of operations (8) is asked instead. */
static long io_uring_register(char **a) {
  (void)a;
  static uint8_t answer[16 + 256 * 8];
  return syscall(NR_io_uring_register, ring(), 8, answer, 256);
}

#define KEYCTL_GET_KEYRING_ID 0
#define KEY_SPEC_PROCESS_KEYRING (-2)
CALL(keyctl_get, syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1))
static long add_key(char **a) {
  (void)a;
  return syscall(SYS_add_key, "user", "probe", "x", 1, KEY_SPEC_PROCESS_KEYRING);
}
static long request_key(char **a) {
  add_key(a);
  return syscall(SYS_request_key, "user", "probe", NULL, 0);
}

/* UFFD_USER_MODE_ONLY */
CALL(userfaultfd, syscall(SYS_userfaultfd, O_CLOEXEC | 1))
CALL(memfd_secret, syscall(NR_memfd_secret, 0))
CALL(make_memfd, syscall(SYS_memfd_create, "probe", number(a[0])))
/* A program that lies in no directory: its own copy in memory. */
static long memfd_run(char **a) {
  (void)a;
  char buffer[65536];
  ssize_t got;
  int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int file = (int)syscall(SYS_memfd_create, "probe", 0);
  if (self < 0) broken("/proc/self/exe");
  if (file < 0) return -1;
  while ((got = read(self, buffer, sizeof buffer)) > 0)
    if (write(file, buffer, (size_t)got) != got) broken("write");
  char *arguments[] = {(char *)"probe", (char *)"ok", NULL};
  return fexecve(file, arguments, (char *[]){NULL});
}
CALL(ok, 0)

CALL(lookup_dcookie, syscall(
#ifdef SYS_lookup_dcookie
                         SYS_lookup_dcookie
#else
                         18
#endif
                         ,
                         0, NULL, 0))
CALL(kexec_load, syscall(SYS_kexec_load, 0, 0, NULL, 0))
#ifdef SYS_kexec_file_load
CALL(kexec_file_load, syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 4))
#endif
/* Magic numbers that no reboot has: the permission is looked at first. */
CALL(reboot_call, syscall(SYS_reboot, 0, 0, 0, NULL))
CALL(init_module, syscall(SYS_init_module, NULL, 0, ""))
CALL(finit_module, syscall(SYS_finit_module, -1, "", 0))
CALL(delete_module, syscall(SYS_delete_module, "no_such_module", O_NONBLOCK))
#define Q_SYNC 0x800001
CALL(quotactl, syscall(SYS_quotactl, Q_SYNC << 8, NULL, 0, NULL))
CALL(quotactl_fd, syscall(NR_quotactl_fd, 0, Q_SYNC << 8, 0, NULL))
CALL(acct_call, syscall(SYS_acct, NULL))
CALL(swapon_call, syscall(SYS_swapon, "/dev/null", 0))
CALL(swapoff_call, syscall(SYS_swapoff, "/dev/null"))
/* SYSLOG_ACTION_SIZE_BUFFER */
CALL(syslog_call, syscall(SYS_syslog, 10, NULL, 0))
static long adjtimex_call(char **a) {
  (void)a;
  static struct timex parameters;
  return syscall(SYS_adjtimex, &parameters);
}
static long clock_adjtime_call(char **a) {
  (void)a;
  static struct timex parameters;
  return syscall(SYS_clock_adjtime, CLOCK_REALTIME, &parameters);
}
/* Times that no clock takes: the permission is looked at after the form, so both are refused by the kernel anyway. */
CALL(clock_settime_call, syscall(SYS_clock_settime, CLOCK_REALTIME, NULL))
CALL(settimeofday_call, syscall(SYS_settimeofday, NULL, NULL))
CALL(set_hostname, syscall(SYS_sethostname, "probe", 5))
CALL(set_domain, syscall(SYS_setdomainname, "probe", 5))
#ifdef SYS_ioperm
/* What takes a permission away needs none. */
CALL(ioperm_call, syscall(SYS_ioperm, 0x80, 1, 0))
CALL(iopl_call, syscall(SYS_iopl, 0))
static long modify_ldt_call(char **a) {
  (void)a;
  char table[64];
  return syscall(SYS_modify_ldt, 0, table, sizeof table);
}
#endif
static long set_label(char **a) {
  (void)a;
  return syscall(NR_lsm_set_self_attr, 100, NULL, 0, 0);
}
CALL(vhangup_call, syscall(SYS_vhangup))
CALL(personality_call, syscall(SYS_personality, number(a[0])))

static struct sock_filter allow_all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static struct sock_fprog program = {1, allow_all};
static long filter_with(unsigned long flags) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
CALL(own_filter, filter_with(0))
CALL(own_listener, filter_with(SECCOMP_FILTER_FLAG_NEW_LISTENER))
static long own_filter_prctl(char **a) {
  (void)a;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
/* Works when the flag has really changed. */
static long hide_memory(char **a) {
  (void)a;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return -1;
  errno = EPERM;
  return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -1;
}
#define PR_SET_MM_MAP_SIZE 15
static long change_image(char **a) {
  (void)a;
  static unsigned size;
  return prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0);
}
#define PR_SCHED_CORE 62
CALL(core_scheduling, prctl(PR_SCHED_CORE, 1, 0, 0, 0))
CALL(prctl_option, prctl((int)number(a[0]), 0, 0, 0, 0))

/* fexecve(3) of a program that has a path. */
static long execute_descriptor(char **a) {
  (void)a;
  int self = open("/proc/self/exe", O_RDONLY);
  if (self < 0) broken("/proc/self/exe");
  char *arguments[] = {(char *)"probe", (char *)"ok", NULL};
  return syscall(SYS_execveat, self, "", arguments, (char *[]){NULL}, AT_EMPTY_PATH);
}
static long open_with_hidden_flags(char **a) {
  (void)a;
  uint64_t how[3] = {O_RDONLY, 0, 0};
  return syscall(NR_openat2, AT_FDCWD, "/", how, sizeof how);
}
/* struct clone_args: flags first, exit_signal fifth. */
static long clone_with_hidden_flags(char **a) {
  uint64_t arguments[11] = {(uint64_t)number(a[0]), 0, 0, 0, SIGCHLD};
  long child = syscall(NR_clone3, arguments, 64);
  if (child == 0) _exit(0);
  return child;
}
static long list_mounts(char **a) {
  (void)a;
  uint64_t request[4] = {24, UINT64_MAX /* LSMT_ROOT */, 0, 0};
  uint64_t found[16];
  return syscall(NR_listmount, request, found, 16, 0);
}
static long stat_mount(char **a) {
  (void)a;
  uint64_t request[4] = {24, 0, 0, 0};
  char answer[512];
  return syscall(NR_statmount, request, answer, sizeof answer, 0);
}

#ifdef __x86_64__
/* Under the x32 ABI: the same calls with bit 30 set. */
CALL(x32, syscall(0x40000000 | number(a[0]), 0, 0, 0))
/* By the 32-bit gate, whatever the program is: the numbers are those of i386. */
static long int80(char **a) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number(a[0])), "b"(0L), "c"(0L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
  if (result >= 0 || result < -4095) return 0;
  errno = (int)-result;
  return -1;
}
#endif

const struct entry KERNEL_ACTIONS[] = {
    {"ok", ok},
    {"raw", raw},
    {"bpf", bpf_map},
    {"perf-event-open", perf},
    {"io-uring-setup", io_uring_setup},
    {"io-uring-enter", io_uring_enter},
    {"io-uring-register", io_uring_register},
    {"keyctl", keyctl_get},
    {"add-key", add_key},
    {"request-key", request_key},
    {"userfaultfd", userfaultfd},
    {"memfd-secret", memfd_secret},
    {"memfd-create", make_memfd},
    {"memfd-run", memfd_run},
    {"lookup-dcookie", lookup_dcookie},
    {"kexec-load", kexec_load},
#ifdef SYS_kexec_file_load
    {"kexec-file-load", kexec_file_load},
#endif
    {"reboot", reboot_call},
    {"init-module", init_module},
    {"finit-module", finit_module},
    {"delete-module", delete_module},
    {"quotactl", quotactl},
    {"quotactl-fd", quotactl_fd},
    {"acct", acct_call},
    {"swapon", swapon_call},
    {"swapoff", swapoff_call},
    {"syslog", syslog_call},
    {"adjtimex", adjtimex_call},
    {"clock-adjtime", clock_adjtime_call},
    {"clock-settime", clock_settime_call},
    {"settimeofday", settimeofday_call},
    {"sethostname", set_hostname},
    {"setdomainname", set_domain},
#ifdef SYS_ioperm
    {"ioperm", ioperm_call},
    {"iopl", iopl_call},
    {"modify-ldt", modify_ldt_call},
#endif
    {"lsm-set-self-attr", set_label},
    {"vhangup", vhangup_call},
    {"personality", personality_call},
    {"seccomp-filter", own_filter},
    {"seccomp-listener", own_listener},
    {"seccomp-filter-by-prctl", own_filter_prctl},
    {"hide-memory", hide_memory},
    {"change-image", change_image},
    {"core-scheduling", core_scheduling},
    {"prctl", prctl_option},
    {"execveat-descriptor", execute_descriptor},
    {"openat2", open_with_hidden_flags},
    {"clone3", clone_with_hidden_flags},
    {"listmount", list_mounts},
    {"statmount", stat_mount},
#ifdef __x86_64__
    {"x32", x32},
    {"int80", int80},
#endif
    {0},
};
