#define _GNU_SOURCE
#include "agent.h"
#include "confine.h"
#include "descriptors.h"
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
#define PATH_SIZE 128
/* A path that a hung network file system holds up must not hold up the warden. */
#define ANSWER_MS 2000

static int user_namespace = -1;
static int mount_namespace = -1;
static const char *scratch; /* NULL: there are namespaces */
static int agent = -1;

bool agent_prepare(pid_t init) {
  user_namespace = descriptors_open_namespace(init, "user");
  mount_namespace = descriptors_open_namespace(init, "mnt");
  return user_namespace >= 0 && mount_namespace >= 0;
}

void agent_prepare_rules(const char *scratch_directory) { scratch = scratch_directory; }

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

static void answer(int channel, int cwd, const char *path, const struct listed *listed) {
  int error = fchdir(cwd) < 0 ? errno : 0;
  int found = error == 0 ? open(path, O_PATH | O_CLOEXEC) : -1;
  if (error == 0 && found < 0) error = errno;
  if (error == 0) error = scratch != NULL ? judge_by_rules(found) : judge(found, listed);
  inbox_send(channel, (struct inbox_message){.kind = INBOX_FOUND, .b = error}, error == 0 ? found : -1);
  if (found >= 0) close(found);
  if (chdir("/") < 0) _exit(1); /* holds no directory of the workload */
}

static _Noreturn void serve(const struct document *plan, int channel) {
  struct failure failure;
  struct listed listed = {.count = 0};
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (scratch == NULL && (setns(user_namespace, CLONE_NEWUSER) < 0 || setns(mount_namespace, CLONE_NEWNS) < 0)) _exit(1);
  if (chdir("/") < 0 || !confine_privileges(&failure) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) _exit(1);
  if (scratch != NULL && !confine_landlock(plan, scratch, -1, &failure)) _exit(1);
  if (scratch == NULL) find_listed(plan, &listed);
  for (;;) {
    char path[PATH_SIZE];
    int cwd = -1;
    if (inbox_receive_text(channel, path, sizeof path, &cwd) <= 0) _exit(0);
    if (cwd >= 0) answer(channel, cwd, path, &listed);
    if (cwd >= 0) close(cwd);
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
    int keep[3] = {pair[1], user_namespace, mount_namespace};
    descriptors_keep_only(keep, scratch == NULL ? 3 : 1);
    user_namespace = keep[1];
    mount_namespace = keep[2];
    serve(plan, keep[0]);
  }
  close(pair[1]);
  agent = descriptors_lift(pair[0]);
  return true;
}

int agent_find_socket(const struct document *plan, int cwd, const char *path) {
  struct inbox_message message;
  int found = -1;
  if (agent < 0 && !start(plan)) return -1;
  struct pollfd wait = {.fd = agent, .events = POLLIN};
  if (inbox_send_text(agent, path, cwd) < 0 || poll(&wait, 1, ANSWER_MS) != 1 ||
      inbox_receive(agent, &message, &found, NULL) != 1 || message.kind != INBOX_FOUND) {
    close(agent); /* it ends, and is started again */
    agent = -1;
    if (found >= 0) close(found);
    errno = ETIMEDOUT;
    return -1;
  }
  errno = message.b;
  return descriptors_lift(found);
}
