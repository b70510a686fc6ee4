#define _GNU_SOURCE
#include "init.h"
#include "confine.h"
#include "inbox.h"
#include "network.h"
#include "program.h"
#include "sys.h"
#include "tree.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int warden;

static _Noreturn void give_up(const struct failure *failure) {
  inbox_send(warden, (struct inbox_message){.kind = INBOX_FAILED, .a = failure->step, .b = failure->error, .c = failure->row}, -1);
  _exit(1);
}

static void hand_over(enum inbox_kind kind, uint32_t flag, uint64_t value, int fd, enum step step) {
  struct failure failure;
  if (inbox_send(warden, (struct inbox_message){.kind = kind, .a = flag, .c = value}, fd) < 0) {
    fail(&failure, step, NO_ROW);
    give_up(&failure);
  }
  close(fd);
}

static bool prepare_network(const struct settings_row *settings, struct failure *failure) {
  if (!(settings->namespaces & NAMESPACE_NETWORK)) return true;
  if (!network_loopback_up()) return fail(failure, STEP_LOOPBACK, NO_ROW);
  int inner = network_socket();
  if (inner < 0) return fail(failure, STEP_LOOPBACK, NO_ROW);
  hand_over(INBOX_INNER, 0, 0, inner, STEP_LOOPBACK);
  if (settings->proxy_port == 0) return true;
  if (!network_addresses()) return fail(failure, STEP_LOOPBACK, 1);
  int proxy = network_listen(INADDR_LOOPBACK, (uint16_t)settings->proxy_port);
  if (proxy < 0) return fail(failure, STEP_PROXY_LISTENER, NO_ROW);
  hand_over(INBOX_PROXY, 0, 0, proxy, STEP_PROXY_LISTENER);
  int udp = network_bind(DNS_V4, 53);
  int tcp = network_listen(DNS_V4, 53);
  if (udp < 0 || tcp < 0) return fail(failure, STEP_PROXY_LISTENER, 1);
  hand_over(INBOX_DNS_UDP, 0, 0, udp, STEP_PROXY_LISTENER);
  hand_over(INBOX_DNS_TCP, 0, 0, tcp, STEP_PROXY_LISTENER);
  return true;
}

/* The terminal of the sandbox, from its own devpts where it has one: the master goes to the warden, the slave to the program. */
static int open_terminal(const char *multiplexer, struct failure *failure) {
  int unlock = 0;
  int master = open(multiplexer, O_RDWR | O_NOCTTY | O_CLOEXEC);
  int slave = -1;
  if (master >= 0 && ioctl(master, TIOCSPTLCK, &unlock) == 0)
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) {
    fail(failure, STEP_PTY, NO_ROW);
    return -1;
  }
  hand_over(INBOX_PTY, 0, 0, master, STEP_PTY);
  return slave;
}

static void enter_workdir(const struct document *plan) {
  const struct settings_row *settings = DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row);
  struct failure failure;
  if (chdir(document_text(plan, settings->workdir)) == 0) return;
  fail(&failure, STEP_WORKDIR, NO_ROW);
  give_up(&failure);
}

/* Everything up to the point after which nothing can be undone. Returns the terminal's slave side or -1. */
static int set_up(const struct document *plan, bool with_terminal, struct sources *sources) {
  const struct settings_row *settings = DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row);
  struct failure failure;
  int terminal = -1;
  if (settings->platform) {
    if (with_terminal && (terminal = open_terminal("/dev/ptmx", &failure)) < 0) give_up(&failure);
    enter_workdir(plan);
    return terminal;
  }
  if (settings->namespaces & NAMESPACE_UTS) {
    const char *name = document_text(plan, settings->hostname);
    if (sethostname(name, strlen(name)) < 0) {
      fail(&failure, STEP_HOSTNAME, NO_ROW);
      give_up(&failure);
    }
  }
  if (!prepare_network(settings, &failure)) give_up(&failure);
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
    fail(&failure, STEP_NEW_ROOT, NO_ROW);
    give_up(&failure);
  }
  struct sources own;
  if (sources == NULL) {
    if (!sources_open(&own, plan, false, 0, 0, &failure)) give_up(&failure);
    sources = &own;
  }
  if (!root_build(plan, sources, &failure)) give_up(&failure);
  if (with_terminal) {
    terminal = open_terminal("/dev/pts/ptmx", &failure);
    if (terminal < 0) give_up(&failure);
  }
  enter_workdir(plan);
  return terminal;
}

/* A filter that has the warden asked about sendmsg(2) would have it asked about this one too, while it hears nobody yet. A
   process with the same descriptors that is not under it sends the listener; it takes a process, since we have no threads. */
struct courier {
  pid_t process;
  int to;
};

static struct courier start_courier(uint64_t cookie) {
  struct courier courier;
  struct failure failure;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0 || (courier.process = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL)) < 0) {
    fail(&failure, STEP_LISTENER, NO_ROW);
    give_up(&failure);
  }
  courier.to = ends[1];
  if (courier.process > 0) return courier;
  int what[2];
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (read(ends[0], what, sizeof what) != (ssize_t)sizeof what) _exit(1);
  struct inbox_message message = {.kind = INBOX_LISTENER, .a = (uint32_t)what[1], .c = cookie};
  close(ends[0]);
  _exit(inbox_send(warden, message, what[0]) == 0 ? 0 : 1);
}

static void send_by_courier(struct courier courier, int listener, bool killable) {
  int what[2] = {listener, killable};
  int status = 1;
  struct failure failure;
  bool told = write(courier.to, what, sizeof what) == (ssize_t)sizeof what;
  while (told && waitpid(courier.process, &status, 0) < 0 && errno == EINTR) {}
  if (status != 0) {
    fail(&failure, STEP_LISTENER, NO_ROW);
    give_up(&failure);
  }
  close(courier.to);
  close(listener);
}

static void confine(const struct document *plan, const char *scratch, int terminal) {
  const struct settings_row *settings = DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row);
  bool sending_is_asked = settings->datagrams && !settings->platform;
  struct courier courier = {0};
  struct failure failure;
  bool killable = false;
  uint64_t cookie = network_cookie();
  if (!confine_rlimits(plan, &failure)) give_up(&failure);
  if (!confine_privileges(&failure)) give_up(&failure);
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
    fail(&failure, STEP_CAPABILITIES, NO_ROW);
    give_up(&failure);
  }
  /* Who is orphaned stays below us. */
  if (settings->platform && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
    fail(&failure, STEP_CAPABILITIES, NO_ROW);
    give_up(&failure);
  }
  if (!confine_landlock(plan, scratch, settings->platform ? terminal : -1, &failure)) give_up(&failure);
  if (sending_is_asked) courier = start_courier(cookie);
  int listener = confine_seccomp(plan, &killable, &failure);
  if (listener < 0) give_up(&failure);
  if (sending_is_asked) send_by_courier(courier, listener, killable);
  else hand_over(INBOX_LISTENER, killable, cookie, listener, STEP_LISTENER);
}

static _Noreturn void finish(int status) {
  struct inbox_message message = {.kind = INBOX_EXITED};
  if (WIFSIGNALED(status)) {
    message.a = 1;
    message.b = WTERMSIG(status);
  } else {
    message.b = WEXITSTATUS(status);
  }
  inbox_send(warden, message, -1);
  _exit(0); /* process 1 ends: the kernel kills all that is left, or the warden does where it is not process 1 */
}

/* Where we are process 1, the kernel kills the rest. */
static _Noreturn void end_without_warden(void) {
  if (getpid() != 1) tree_kill_below_self();
  _exit(1);
}

static void obey(pid_t program) {
  struct inbox_message message;
  int got = inbox_receive(warden, &message, NULL, NULL);
  if (got == 0 || (got < 0 && errno != EAGAIN)) end_without_warden();
  if (got != 1 || message.kind != INBOX_SIGNAL) return;
  /* Before setsid(2) the program has no group yet, and no child either: then it alone is the whole group. */
  if (message.b == SIGNAL_SCOPE_GROUP && (kill(-program, (int)message.a) == 0 || errno != ESRCH)) return;
  kill(program, (int)message.a);
}

static _Noreturn void reap_for_ever(pid_t program, int children) {
  struct pollfd waits[2] = {{.fd = warden, .events = POLLIN}, {.fd = children, .events = POLLIN}};
  for (;;) {
    if (poll(waits, 2, -1) < 0 && errno != EINTR) _exit(1);
    if (waits[1].revents & POLLIN) {
      struct signalfd_siginfo info;
      while (read(children, &info, sizeof info) > 0) {}
      int status;
      pid_t pid;
      while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == program) finish(status);
    }
    if (waits[0].revents & (POLLIN | POLLHUP | POLLERR)) obey(program);
  }
}

void init_main(const struct shared_launch *launch, int inbox, struct sources *sources) {
  struct document plan_document;
  struct document request_document;
  const struct document *plan = &plan_document;
  const struct document *request = &request_document;
  struct inbox_message go;
  struct failure failure;
  warden = inbox;
  /* If the warden dies, so does everything here: it holds the listener, and nobody else may. */
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  setpgid(0, 0); /* who signals the warden's group means not us */
  if (inbox_receive(warden, &go, NULL, NULL) != 1 || go.kind != INBOX_GO) _exit(1);
  if (!launch_parse(&plan_document, &request_document, launch->bytes, launch->length)) _exit(1);
  const struct request_row *wanted = DOCUMENT_ROWS(request, SECTION_REQUEST, request_row);
  int terminal = set_up(plan, wanted->flags & REQUEST_FLAG_TTY, sources);

  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_SETMASK, &child_signal, NULL);
  int children = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children < 0) {
    fail(&failure, STEP_FORK, NO_ROW);
    give_up(&failure);
  }

  confine(plan, document_text(request, wanted->scratch), terminal);

  pid_t program = fork();
  if (program < 0) {
    fail(&failure, STEP_FORK, NO_ROW);
    give_up(&failure);
  }
  const struct settings_row *settings = DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row);
  if (program == 0 && settings->platform) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* no namespace ends with us */
  if (program == 0) program_run(request, warden, terminal);
  if (terminal >= 0) close(terminal);
  /* The program's descriptors are its own: a pipe to it must end when it ends. */
  for (int fd = 0; fd <= 2; fd++) close(fd);
  /* From here on the end of the inbox tells us, and we end all that is below us. */
  if (settings->platform) prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  reap_for_ever(program, children);
}
