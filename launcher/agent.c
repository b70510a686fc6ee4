#define _GNU_SOURCE
#include "agent.h"
#include "change.h"
#include "confine.h"
#include "descriptors.h"
#include "grants.h"
#include "inbox.h"
#include "sys.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#define MAX_LISTED 256
/* A path that a hung network file system holds up must not hold up the warden. */
#define ANSWER_MS 2000

static int user_namespace = -1;
static int mount_namespace = -1;
static bool by_rules; /* there are no namespaces */
static int ruleset = -1; /* none: a degraded plan that says so */
static int agent = -1;

bool agent_prepare(pid_t init) {
  user_namespace = descriptors_open_namespace(init, "user");
  mount_namespace = descriptors_open_namespace(init, "mnt");
  return user_namespace >= 0 && mount_namespace >= 0;
}

bool agent_prepare_rules(const struct document *plan, const char *scratch, struct failure *failure) {
  by_rules = true;
  if (DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row)->handled_fs == 0) return true;
  ruleset = descriptors_lift(confine_ruleset(plan, scratch, -1, failure));
  return ruleset >= 0 && (grants_load(plan, scratch) || fail(failure, STEP_LANDLOCK_RULE, NO_ROW));
}

/* Sockets that the policy lists by name, each a mount of its own. */
struct listed {
  struct {
    dev_t device;
    ino_t inode;
  } sockets[MAX_LISTED];
  unsigned count;
};

static void find_listed(const struct document *plan, struct listed *listed) {
  const struct mount_row *rows = DOCUMENT_ROWS(plan, SECTION_MOUNT, mount_row);
  for (uint32_t i = 0; i < DOCUMENT_COUNT(plan, SECTION_MOUNT) && listed->count < MAX_LISTED; i++) {
    struct stat st;
    if (rows[i].kind != MOUNT_KIND_BIND || stat(document_text(plan, rows[i].target), &st) < 0 || !S_ISSOCK(st.st_mode)) continue;
    listed->sockets[listed->count].device = st.st_dev;
    listed->sockets[listed->count++].inode = st.st_ino;
  }
}

/* 0, or why the workload may not connect there. Landlock looks at an open before the file says that it is a socket. */
static int judge_by_rules(int socket) {
  struct stat st;
  char path[32];
  if (fstat(socket, &st) < 0) return errno;
  if (!S_ISSOCK(st.st_mode)) return ECONNREFUSED;
  snprintf(path, sizeof path, "/proc/self/fd/%d", socket);
  int opened = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (opened >= 0) close(opened);
  return opened < 0 && errno == ENXIO ? 0 : EACCES;
}

/* 0, or why the workload may not connect there: a mount that is read-only does not keep it from connecting. */
static int judge(int socket, const struct listed *listed) {
  struct stat st;
  struct statvfs mount;
  if (fstat(socket, &st) < 0 || fstatvfs(socket, &mount) < 0) return errno;
  if (!S_ISSOCK(st.st_mode)) return ECONNREFUSED;
  if (!(mount.f_flag & ST_RDONLY)) return 0;
  for (unsigned i = 0; i < listed->count; i++)
    if (listed->sockets[i].device == st.st_dev && listed->sockets[i].inode == st.st_ino) return 0;
  return EACCES;
}

static void find_socket(int channel, int cwd, const char *path, const struct listed *listed) {
  int error = fchdir(cwd) < 0 ? errno : 0;
  int found = error == 0 ? open(path, O_PATH | O_CLOEXEC) : -1;
  if (error == 0 && found < 0) error = errno;
  if (error == 0) error = by_rules ? judge_by_rules(found) : judge(found, listed);
  inbox_send(channel, (struct inbox_message){.kind = INBOX_FOUND, .b = error}, error == 0 ? found : -1);
  if (found >= 0) close(found);
  if (chdir("/") < 0) _exit(1); /* holds no directory of the workload */
}

/* By the very text that the caller gave, which the socket keeps for its name. */
static int bind_named(const struct errand *errand, int dir, int socket) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(errand->path);
  if (length == 0) return EADDRINUSE; /* what it is called by is there */
  if (length > sizeof address.sun_path) return EINVAL;
  memcpy(address.sun_path, errand->path, length);
  if (dir >= 0 && fchdir(dir) < 0) return errno;
  umask(errand->mode);
  length += length < sizeof address.sun_path; /* with its NUL, where there is room */
  int error = bind(socket, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0 ? errno : 0;
  if (chdir("/") < 0) _exit(1); /* holds no directory of the workload */
  return error;
}

static void bind_sent(int channel, const struct errand *errand, int dir) {
  int socket;
  uint8_t nothing;
  if (inbox_receive_bytes(channel, &nothing, sizeof nothing, &socket) <= 0) _exit(0);
  int error = socket < 0 ? EBADF : bind_named(errand, dir, socket);
  if (socket >= 0) close(socket);
  inbox_send(channel, (struct inbox_message){.kind = INBOX_FOUND, .b = error}, -1);
}

static void answer(int channel, const struct errand *errand, int dir, const struct listed *listed) {
  if (errand->kind == ERRAND_BIND) {
    bind_sent(channel, errand, dir);
    return;
  }
  if (errand->kind == ERRAND_SOCKET) {
    find_socket(channel, dir, errand->path, listed);
    return;
  }
  bool refused;
  int found = -1;
  int error = 0;
  if (dir < 0) dir = AT_FDCWD;
  if (errand->kind == ERRAND_WATCH) error = (found = change_find(errand, dir, &refused)) < 0 ? errno : 0;
  else error = change_make(errand, dir, &refused);
  inbox_send(channel, (struct inbox_message){.kind = INBOX_FOUND, .a = refused, .b = error}, found);
  if (found >= 0) close(found);
}

static _Noreturn void serve(const struct document *plan, int channel) {
  static struct errand errand;
  struct failure failure;
  struct listed listed = {.count = 0};
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (!by_rules && (setns(user_namespace, CLONE_NEWUSER) < 0 || setns(mount_namespace, CLONE_NEWNS) < 0)) _exit(1);
  if (chdir("/") < 0 || !confine_privileges(&failure) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) _exit(1);
  if (ruleset >= 0 && !confine_by(ruleset)) _exit(1);
  if (!by_rules) find_listed(plan, &listed);
  for (;;) {
    int dir = -1;
    ssize_t got = inbox_receive_bytes(channel, &errand, sizeof errand, &dir);
    if (got < (ssize_t)ERRAND_LENGTH(0) || (size_t)got != ERRAND_LENGTH(errand.size)) _exit(0);
    answer(channel, &errand, dir, &listed);
    if (dir >= 0) close(dir);
  }
}

static bool start(const struct document *plan) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return false;
  pid_t child = fork();
  if (child < 0) {
    close(pair[0]);
    close(pair[1]);
    return false;
  }
  if (child == 0) {
    /* Nothing else of the warden's, above all not a second copy of the listener. */
    int keep[3] = {pair[1], by_rules ? ruleset : user_namespace, mount_namespace};
    descriptors_keep_only(keep, !by_rules ? 3 : ruleset >= 0 ? 2 : 1);
    if (by_rules && ruleset >= 0) ruleset = keep[1];
    if (!by_rules) user_namespace = keep[1];
    if (!by_rules) mount_namespace = keep[2];
    serve(plan, keep[0]);
  }
  close(pair[1]);
  agent = descriptors_lift(pair[0]);
  return true;
}

static bool send_errand(const struct errand *errand, int dir, int socket) {
  return inbox_send_bytes(agent, errand, ERRAND_LENGTH(errand->size), dir) == 0 &&
         (errand->kind != ERRAND_BIND || inbox_send_bytes(agent, "", 1, socket) == 0);
}

/* Sends an errand (`socket`: for a bind) and waits for its end: false when there is none in time. */
static bool run(const struct document *plan, const struct errand *errand, int dir, int socket, struct inbox_message *message, int *found) {
  *found = -1;
  if (agent < 0 && !start(plan)) return false;
  struct pollfd wait = {.fd = agent, .events = POLLIN};
  if (send_errand(errand, dir, socket) && poll(&wait, 1, ANSWER_MS) == 1 &&
      inbox_receive(agent, message, found, NULL) == 1 && message->kind == INBOX_FOUND)
    return true;
  close(agent); /* it ends, and is started again */
  agent = -1;
  if (*found >= 0) close(*found);
  errno = ETIMEDOUT;
  return false;
}

int agent_find_socket(const struct document *plan, int cwd, const char *path) {
  static struct errand errand = {.kind = ERRAND_SOCKET};
  struct inbox_message message;
  int found;
  errno = ENAMETOOLONG;
  if (strlen(path) >= sizeof errand.path) return -1;
  strcpy(errand.path, path);
  if (!run(plan, &errand, cwd, -1, &message, &found)) return -1;
  errno = message.b;
  return descriptors_lift(found);
}

int agent_find_watched(const struct document *plan, const struct errand *errand, int dir, bool *refused) {
  struct inbox_message message;
  int found;
  *refused = false;
  if (!run(plan, errand, dir, -1, &message, &found)) return -1;
  *refused = message.a == 1;
  errno = message.b;
  return descriptors_lift(found);
}

/* Has done what gives nothing back. */
static int have_done(const struct document *plan, const struct errand *errand, int dir, int socket, bool *refused) {
  struct inbox_message message;
  int found;
  *refused = false;
  if (!run(plan, errand, dir, socket, &message, &found)) return errno;
  if (found >= 0) close(found);
  *refused = message.a == 1;
  return message.b;
}

int agent_change(const struct document *plan, const struct errand *errand, int dir, bool *refused) {
  return have_done(plan, errand, dir, -1, refused);
}

int agent_bind(const struct document *plan, const struct errand *errand, int dir, int socket) {
  bool refused; /* the kernel says it itself */
  return have_done(plan, errand, dir, socket, &refused);
}
