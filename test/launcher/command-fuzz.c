/* A fuzzer of what commands of the supervisor do to calls that wait (libFuzzer): verdicts, `datagrams`, `keep`, in any order,
   for calls of any kind. Every call is answered once at most, no descriptor is lost, and what is connected is what was said. */
#define _GNU_SOURCE
#include "clock.h"
static int64_t ahead_ms;
static int64_t shifted_ms(void) { return now_ms() + ahead_ms; }
#define now_ms shifted_ms
#include "resume.c"
#include "waiting.c" /* its table is looked into */
#undef now_ms
#include "agent.h"
#include "births.h"
#include "connecting.h"
#include "datagrams.h"
#include "destination.h"
#include "handle.h"
#include "keeping.h"
#include "ledger.h"
#include "relay.h"
#include "sending.h"
#include "swap.h"
#include "verdicts.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define STEPS 64
#define IDS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length);
pid_t __wrap_fork(void);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);

static const uint8_t *input;
static const uint8_t *input_end;
static bool waits[IDS];   /* added and not answered */
static bool unwanted[IDS];
static unsigned replaced; /* descriptors that a caller took over */

static void want(bool truth) {
  if (!truth) abort();
}

static uint8_t next(void) { return input < input_end ? *input++ : 0; }

static void fill(void *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) ((uint8_t *)bytes)[i] = next();
}

static void answered(uint64_t id) {
  want(id < IDS && waits[id]);
  waits[id] = false;
}

bool answer_error(int listener, uint64_t id, int error) {
  (void)listener;
  want(error >= 0 && error < 4096);
  answered(id);
  return !unwanted[id];
}
void answer_interrupt(int listener, uint64_t id) {
  (void)listener;
  answered(id);
}
void answer_go_on(int listener, uint64_t id) {
  (void)listener;
  for (unsigned i = 0; i < MAX_WAITING; i++)
    if (table[i].state != WAITING_FREE && table[i].id == id) want(table[i].sending);
  answered(id);
}
void answer_value(int listener, uint64_t id, int64_t value) {
  (void)listener;
  want(value >= 0);
  answered(id);
}
int answer_descriptor(int listener, uint64_t id, int file, int number, int flags) {
  (void)listener, (void)file, (void)number, (void)flags;
  answered(id);
  return 0;
}
void denials_unobservable(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  (void)mediator, (void)caller;
  answered(call->id);
}
bool answer_wanted(int listener, uint64_t id) {
  (void)listener;
  return id < IDS && !unwanted[id];
}

int agent_find_socket(const struct document *plan, int cwd, const char *path) {
  (void)plan, (void)cwd, (void)path;
  errno = ENOENT;
  return -1;
}
bool handle_send(int channel, const char *kind, int fd) {
  (void)channel, (void)kind, (void)fd;
  return true;
}

/* The callers: memory and executables are whatever comes. */
void caller_close(struct caller *caller) { caller->proc = -1; }
struct caller caller_take(struct caller *caller) { return *caller; }
bool caller_open(struct caller *caller, pid_t tid) {
  (void)caller, (void)tid;
  return false;
}
bool caller_write(const struct caller *caller, uint64_t address, const void *bytes, size_t length) {
  (void)caller, (void)address, (void)bytes, (void)length;
  return next() % 8 != 0;
}
bool caller_read(const struct caller *caller, uint64_t address, void *bytes, size_t length) {
  (void)caller, (void)address;
  fill(bytes, length);
  return next() % 8 != 0;
}
void caller_describe(const struct caller *caller, pid_t top, struct frame *frame) {
  (void)caller, (void)top;
  frame_u32(frame, 1);
}
size_t caller_identify(const struct caller *caller, pid_t top, uint8_t *bytes, size_t capacity) {
  (void)caller, (void)top;
  size_t length = next() % 4;
  if (length > capacity) length = 0;
  memset(bytes, 1, length);
  return length;
}
enum caller_signal caller_signal(const struct caller *caller) {
  (void)caller;
  return (enum caller_signal)(next() % 3);
}
pid_t caller_inner_number(const struct caller *caller) {
  (void)caller;
  return 1;
}
int caller_file(const struct caller *caller, int fd) {
  (void)caller, (void)fd;
  errno = EBADF;
  return -1;
}

int swap_make(int file, int domain) {
  (void)file, (void)domain;
  int fd = next() % 8 == 0 ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) errno = EMFILE;
  return fd;
}
bool swap_hand_over(const struct mediator *mediator, uint64_t id, const struct caller *caller, int number, int file, int replacement) {
  (void)mediator, (void)id, (void)caller, (void)number;
  want(file >= 0 && replacement >= 0);
  bool good = next() % 8 != 0;
  replaced += good;
  return good;
}

/* Nothing leaves; where to is never a port or family that nobody said. */
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length) {
  static const int errors[] = {0, EINPROGRESS, EAGAIN, ECONNREFUSED};
  want(fd >= 0 && length <= sizeof(struct sockaddr_storage) && address != NULL);
  errno = errors[next() % 4];
  return errno == 0 ? 0 : -1;
}
int __wrap_nanosleep(const struct timespec *time, struct timespec *left) {
  (void)time, (void)left;
  return 0;
}
pid_t __wrap_fork(void) {
  errno = EAGAIN;
  return -1;
}

static uint64_t held[MAX_WAITING]; /* sockets that are held by their inodes */
static unsigned held_count;

static void hold(const struct mediator *mediator, struct waiting *waiting) {
  int copy = fcntl(waiting->file, F_DUPFD_CLOEXEC, 0);
  struct birth *birth = held_count == MAX_WAITING ? NULL : births_keep(mediator, copy, waiting->domain, waiting->type);
  if (birth == NULL) {
    close(copy);
    return;
  }
  birth->relayed = waiting->type == SOCK_DGRAM && waiting->domain != AF_UNIX;
  birth->attached = birth->relayed;
  waiting->inode = birth->inode;
  waiting->relayed = birth->relayed;
  held[held_count++] = birth->inode;
}

static void add(const struct mediator *mediator) {
  static const int domains[] = {AF_INET, AF_INET6, AF_UNIX};
  uint64_t id = next() % IDS;
  uint8_t kind = next();
  if (waits[id]) return; /* the kernel gives each call its own */
  struct caller caller = {.tid = 2, .tgid = 2, .proc = 0};
  int domain = domains[kind % 3];
  int type = kind & 4 ? SOCK_DGRAM : SOCK_STREAM;
  int file = socket(domain, type | SOCK_CLOEXEC | (kind & 8 ? SOCK_NONBLOCK : 0), 0);
  want(file >= 0);
  struct waiting *waiting = waiting_add(id, &caller, 5, file);
  want(waiting != NULL);
  waits[id] = true;
  unwanted[id] = kind & 16;
  waiting->domain = domain;
  waiting->type = type;
  waiting->outer = kind & 32;
  waiting->proxied = kind & 64;
  waiting->sending = (kind & 128) && type == SOCK_DGRAM;
  waiting->target.length = sizeof(sa_family_t) + next() % 15;
  fill(&waiting->target.address, waiting->target.length);
  waiting->call.nr = SYS_sendto;
  waiting->call.args[4] = next() % 2;
  waiting->call.args[5] = next() % 30;
  if (next() % 2) hold(mediator, waiting);
  if (next() % 2) waiting->key = verdict_key_make(&waiting->caller, 1, &waiting->target, domain);
}

/* Who was not answered is still looked after, but for those that are gone. */
static void look_after(void) {
  bool seen[IDS] = {false};
  unsigned filled = 0;
  for (unsigned i = 0; i < MAX_WAITING; i++) {
    if (table[i].state == WAITING_FREE) continue;
    want(table[i].id < IDS && !seen[table[i].id]);
    seen[table[i].id] = true;
    filled++;
  }
  want(filled == count);
  for (unsigned id = 0; id < IDS; id++) {
    want(seen[id] ? waits[id] : !waits[id] || unwanted[id]);
    waits[id] = seen[id];
  }
}

/* Bytes that end where they say they do. */
static void give(struct mediator *mediator, enum command what, const uint8_t *bytes, size_t length) {
  uint8_t *exact = malloc(length == 0 ? 1 : length);
  want(exact != NULL);
  memcpy(exact, bytes, length);
  if (what == COMMAND_DATAGRAMS) relay_make(-1, exact, length);
  else if (what == COMMAND_DELIVER) datagrams_deliver(exact, length);
  else if (what == COMMAND_KEEP) keep_only(mediator, exact, length);
  else resume_verdict(mediator, exact, length);
  free(exact);
}

/* Any bytes; mostly with what it takes to get past the first look at them. */
static void verdict(struct mediator *mediator) {
  uint8_t payload[64];
  uint8_t how = next();
  size_t length = how % 16 == 0 ? next() % sizeof payload : 48;
  fill(payload, length);
  if (how & 16) memcpy(payload, &(uint64_t){payload[0] % IDS}, 8);
  if (how & 32) memcpy(payload + 8, &(uint32_t){payload[8] % 4}, 4);
  if (how & 64) memset(payload + 26, 0, 2);
  if (how & 128) memcpy(payload + 28, &(uint32_t){payload[28] & 1 ? 4 : 16}, 4);
  give(mediator, COMMAND_VERDICT, payload, length);
}

static unsigned open_files(void) {
  unsigned found = 0;
  for (int fd = 0; fd < 256; fd++) found += fcntl(fd, F_GETFD) >= 0;
  return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int null = -1;
  if (null < 0) {
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    want(ledger_start());
  }
  unsigned before = open_files();
  struct control control = {.fd = null};
  static const struct settings_row settings = {.network_held = 1, .platform = 1};
  struct mediator mediator = {.settings = &settings, .control = &control, .listener = -1, .poll = epoll_create1(EPOLL_CLOEXEC), .top = getpid(), .inner = -1};
  want(mediator.poll >= 0);
  input = data;
  input_end = data + size;
  memset(waits, 0, sizeof waits);
  for (int step = 0; step < STEPS && input < input_end; step++) {
    uint8_t payload[64];
    size_t length;
    switch (next() % 8) {
      case 0:
      case 1:
      case 2: add(&mediator); break;
      case 3:
      case 4: verdict(&mediator); break;
      case 5:
        length = next() % 4 == 0 ? next() % sizeof payload : 28;
        fill(payload, length);
        give(&mediator, next() % 2 ? COMMAND_DATAGRAMS : COMMAND_DELIVER, payload, length);
        break;
      case 6:
        resume_ready(&mediator, MEDIATE_POLL_BASE + next() % 8);
        verdicts_flush(&control, next() % 2);
        if (next() % 4 != 0) break;
        length = next() % sizeof payload;
        fill(payload, length);
        give(&mediator, COMMAND_KEEP, payload, length);
        break;
      case 7:
        ahead_ms += next() * 256;
        resume_tick(&mediator);
        break;
    }
    look_after();
  }
  for (unsigned i = 0; i < MAX_WAITING; i++)
    if (table[i].state != WAITING_FREE) waiting_forget(&mediator, &table[i]);
  want(count == 0);
  for (unsigned i = 0; i < held_count; i++) births_release(&mediator, held[i]);
  held_count = 0;
  verdicts_forget();
  close(mediator.poll);
  free(control.out);
  want(open_files() == before);
  return 0;
}
