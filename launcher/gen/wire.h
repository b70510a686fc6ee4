/* Generated from src/plan/wire.ts by tools/gen-wire.mjs. Do not edit. */
#ifndef OPENSHELL_WIRE_H
#define OPENSHELL_WIRE_H
#include <stddef.h>
#include <stdint.h>

#define DOCUMENT_MAGIC 0x3150534fu
#define MAX_DOCUMENT 4194304u
#define MAX_FRAME 262144u
#define SYNTHETIC_V4 0xc6120000u
#define SYNTHETIC_V4_PREFIX 15
#define SYNTHETIC_V6 {253, 111, 112, 101, 110, 115, 104, 101}
#define SYNTHETIC_V6_PREFIX 64
#define OWN_V4 0xc6120001u
#define OWN_V6 {253, 111, 112, 101, 110, 115, 104, 101, 0, 0, 0, 0, 0, 0, 0, 1}
#define RELAYED_STARTS {768, 3840, 16128, 65280}
#define RELAYED_COUNT 256
#define MAX_QUESTIONS 3
#define MAX_KEPT 8192
#define DNS_V4 0x7f000035u

struct text {
  uint32_t offset;
  uint32_t length;
};

enum namespace {
  NAMESPACE_USER = 1,
  NAMESPACE_MOUNT = 2,
  NAMESPACE_PID = 4,
  NAMESPACE_IPC = 8,
  NAMESPACE_UTS = 16,
  NAMESPACE_CGROUP = 32,
  NAMESPACE_NETWORK = 64,
};

enum host_kind {
  HOST_KIND_CALLER = 0,
  HOST_KIND_DROP = 1,
  HOST_KIND_DROP_UNUSED = 2,
};

enum request_flag {
  REQUEST_FLAG_TTY = 1,
};

enum mount_kind {
  MOUNT_KIND_BIND = 0,
  MOUNT_KIND_PRIVATE = 1,
  MOUNT_KIND_PROC = 2,
  MOUNT_KIND_DEVPTS = 3,
  MOUNT_KIND_FILE = 4,
  MOUNT_KIND_SYMLINK = 5,
};

enum mount_flag {
  MOUNT_FLAG_WRITABLE = 1,
  MOUNT_FLAG_DEVICES = 2,
  MOUNT_FLAG_IDMAPPED = 4,
  MOUNT_FLAG_KEPT = 8,
};

enum match {
  MATCH_ARCH = 1,
  MATCH_NR = 2,
};

enum handler {
  HANDLER_REFUSE = 0,
  HANDLER_OWN_THREAD = 1,
  HANDLER_CONNECT = 2,
  HANDLER_BIND = 3,
  HANDLER_LISTEN = 4,
  HANDLER_EPOLL = 5,
  HANDLER_INTERFACE = 6,
  HANDLER_NETLINK = 7,
  HANDLER_DATAGRAM = 8,
  HANDLER_SOCKET = 9,
  HANDLER_RECEIVE = 10,
  HANDLER_SIGNAL = 11,
  HANDLER_ATTRIBUTES = 12,
  HANDLER_WATCH = 13,
};

enum command {
  COMMAND_LAUNCH = 1,
  COMMAND_SIGNAL = 2,
  COMMAND_VERDICT = 3,
  COMMAND_KILL = 4,
  COMMAND_RESIZE = 5,
  COMMAND_PREPARE = 6,
  COMMAND_KEEP = 11,
  COMMAND_DATAGRAMS = 9,
  COMMAND_DELIVER = 10,
};

enum report {
  REPORT_STARTED = 1,
  REPORT_FAILED = 2,
  REPORT_EXITED = 3,
  REPORT_DENIED = 4,
  REPORT_OPEN = 5,
  REPORT_PEER = 6,
  REPORT_LIMIT = 7,
  REPORT_REUSED = 8,
  REPORT_UNIX = 9,
  REPORT_SENT = 10,
  REPORT_KEPT = 11,
};

enum opening {
  OPENING_CONNECT = 0,
  OPENING_SEND = 1,
};

enum signal_scope {
  SIGNAL_SCOPE_MAIN = 0,
  SIGNAL_SCOPE_GROUP = 1,
};

enum verdict {
  VERDICT_REFUSE = 0,
  VERDICT_LOCAL = 1,
  VERDICT_DIRECT = 2,
  VERDICT_REDIRECT = 3,
};

enum executable_flag {
  EXECUTABLE_FLAG_DELETED = 1,
  EXECUTABLE_FLAG_UNREADABLE = 2,
  EXECUTABLE_FLAG_CUT = 4,
};

enum limit {
  LIMIT_MEMORY = 1,
  LIMIT_CPU = 2,
  LIMIT_PROCESSES = 3,
};

enum step {
  STEP_READ_PLAN = 1,
  STEP_DECODE_PLAN = 2,
  STEP_SESSION = 3,
  STEP_DROP_IDS = 4,
  STEP_IDMAP = 5,
  STEP_OPEN_SOURCE = 6,
  STEP_CLONE = 7,
  STEP_ID_MAP = 8,
  STEP_HOSTNAME = 9,
  STEP_LOOPBACK = 10,
  STEP_PROXY_LISTENER = 11,
  STEP_NEW_ROOT = 12,
  STEP_MOUNT = 13,
  STEP_MOUNT_TARGET = 14,
  STEP_PIVOT = 15,
  STEP_PTY = 16,
  STEP_WORKDIR = 17,
  STEP_RLIMIT = 18,
  STEP_CAPABILITIES = 19,
  STEP_LANDLOCK_ABI = 20,
  STEP_LANDLOCK_RULE = 21,
  STEP_LANDLOCK = 22,
  STEP_SECCOMP = 23,
  STEP_LISTENER = 24,
  STEP_FORK = 25,
  STEP_EXEC = 26,
  STEP_HANDLE = 27,
  STEP_CGROUP = 28,
  STEP_LOST = 29,
  STEP_STREAM = 30,
  STEP_STREAM_TERMINAL = 31,
};

enum section_kind {
  SECTION_SETTINGS = 1,
  SECTION_MOUNT = 2,
  SECTION_LANDLOCK = 3,
  SECTION_INSTRUCTION = 4,
  SECTION_NOTIFY = 5,
  SECTION_RLIMIT = 6,
  SECTION_ARGUMENT = 7,
  SECTION_ENVIRONMENT = 8,
  SECTION_REQUEST = 9,
};
#define SECTION_KINDS 10

struct settings_row {
  uint32_t audit_arch;
  uint32_t namespaces;
  uint32_t inside_uid;
  uint32_t inside_gid;
  uint32_t host_kind;
  uint32_t host_uid;
  uint32_t host_gid;
  uint32_t landlock_abi;
  uint64_t handled_fs;
  uint64_t handled_net;
  uint64_t scoped;
  uint64_t memory_bytes;
  uint64_t cpu_ms;
  uint64_t private_bytes;
  struct text hostname;
  struct text workdir;
  uint32_t proxy_port;
  uint32_t datagrams;
  uint32_t platform;
  uint32_t network_held;
  uint32_t processes;
  uint32_t unobservable_rule;
};
_Static_assert(sizeof(struct settings_row) == 120, "settings_row has padding");

struct mount_row {
  uint32_t kind;
  uint32_t flags;
  struct text source;
  struct text target;
  uint32_t mode;
  uint32_t owner_uid;
  uint32_t owner_gid;
  uint32_t pad;
};
_Static_assert(sizeof(struct mount_row) == 40, "mount_row has padding");

struct landlock_row {
  struct text path;
  uint64_t access;
};
_Static_assert(sizeof(struct landlock_row) == 16, "landlock_row has padding");

struct instruction_row {
  uint16_t code;
  uint8_t jt;
  uint8_t jf;
  uint32_t k;
};
_Static_assert(sizeof(struct instruction_row) == 8, "instruction_row has padding");

struct notify_row {
  uint32_t arch;
  uint32_t nr;
  uint32_t handler;
  uint32_t errno_value;
  uint32_t rule;
  uint32_t match;
  uint32_t thread;
  uint32_t questions;
  uint32_t arg_index;
  uint32_t arg_mask;
  uint32_t arg_value;
  uint32_t arg2_index;
  uint32_t arg2_mask;
  uint32_t arg2_value;
  uint32_t arg3_index;
  uint32_t arg3_mask;
  uint32_t arg3_value;
  uint32_t pad;
};
_Static_assert(sizeof(struct notify_row) == 72, "notify_row has padding");

struct rlimit_row {
  uint32_t resource;
  uint32_t above;
  uint64_t soft;
  uint64_t hard;
};
_Static_assert(sizeof(struct rlimit_row) == 24, "rlimit_row has padding");

struct argument_row {
  struct text text;
};
_Static_assert(sizeof(struct argument_row) == 8, "argument_row has padding");

struct environment_row {
  struct text text;
};
_Static_assert(sizeof(struct environment_row) == 8, "environment_row has padding");

struct request_row {
  struct text search_path;
  struct text cgroup;
  struct text scratch;
  uint32_t flags;
  uint32_t pad;
};
_Static_assert(sizeof(struct request_row) == 32, "request_row has padding");

struct section_layout {
  uint32_t row_size;
  uint32_t max_rows;
  uint32_t texts[4]; /* offset + 1 of each string field, 0 ends */
};

static const struct section_layout SECTION_LAYOUTS[SECTION_KINDS] = {
    [SECTION_SETTINGS] = {sizeof(struct settings_row), 1, {offsetof(struct settings_row, hostname) + 1, offsetof(struct settings_row, workdir) + 1, 0}},
    [SECTION_MOUNT] = {sizeof(struct mount_row), 4096, {offsetof(struct mount_row, source) + 1, offsetof(struct mount_row, target) + 1, 0}},
    [SECTION_LANDLOCK] = {sizeof(struct landlock_row), 4096, {offsetof(struct landlock_row, path) + 1, 0}},
    [SECTION_INSTRUCTION] = {sizeof(struct instruction_row), 4096, {0}},
    [SECTION_NOTIFY] = {sizeof(struct notify_row), 1024, {0}},
    [SECTION_RLIMIT] = {sizeof(struct rlimit_row), 32, {0}},
    [SECTION_ARGUMENT] = {sizeof(struct argument_row), 65536, {offsetof(struct argument_row, text) + 1, 0}},
    [SECTION_ENVIRONMENT] = {sizeof(struct environment_row), 65536, {offsetof(struct environment_row, text) + 1, 0}},
    [SECTION_REQUEST] = {sizeof(struct request_row), 1, {offsetof(struct request_row, search_path) + 1, offsetof(struct request_row, cgroup) + 1, offsetof(struct request_row, scratch) + 1, 0}},
};

#endif
