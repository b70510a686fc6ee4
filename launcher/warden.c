#define _GNU_SOURCE
#include "warden.h"
#include "agent.h"
#include "births.h"
#include "cgroup.h"
#include "control.h"
#include "datagrams.h"
#include "denials.h"
#include "descriptors.h"
#include "handle.h"
#include "ids.h"
#include "inbox.h"
#include "init.h"
#include "keeping.h"
#include "ledger.h"
#include "mediate.h"
#include "namespaces.h"
#include "network.h"
#include "prompt.h"
#include "quota.h"
#include "relay.h"
#include "resume.h"
#include "streams.h"
#include "sys.h"
#include "terminal.h"
#include "tree.h"
#include "verdicts.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* For the supervisor to read the last reports. */
#define END_MS 2000

enum poll_source { POLL_CONTROL, POLL_CHANNEL, POLL_INBOX, POLL_CHILD, POLL_INPUT, POLL_MASTER };

static struct {
  struct control control;
  struct document plan;
  struct document request;
  const struct settings_row *settings;
  struct mediator mediator;
  struct host_ids ids;
  struct shared_launch *shared;
  uint32_t namespaces; /* that init was started in */
  int poll;
  int inbox;
  int children;
  int master;
  int inner; /* a socket of the sandbox's network */
  pid_t init;
  bool channel_open;
  bool terminal;
  bool streams_taken;
  struct failure streams_failure; /* why not */
  bool ended; /* init is gone, and with it every process of the sandbox */
  bool listening; /* there are processes whose calls come */
} warden = {.control = {.fd = WARDEN_CONTROL}, .inbox = -1, .master = -1, .inner = -1};

static void report_failure(const struct failure *failure) {
  struct frame frame;
  control_begin(&frame, REPORT_FAILED);
  frame_u32(&frame, failure->step);
  frame_u32(&frame, (uint32_t)failure->error);
  frame_u64(&frame, failure->row);
  control_send(&warden.control, &frame);
}

static _Noreturn void give_up(const struct failure *failure) {
  report_failure(failure);
  if (warden.init > 0) kill(warden.init, SIGKILL);
  control_end(&warden.control, END_MS);
  _exit(1);
}

static _Noreturn void give_up_at(enum step step) {
  struct failure failure;
  fail(&failure, step, NO_ROW);
  give_up(&failure);
}

static void watch(int fd, enum poll_source source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u64 = source};
  if (epoll_ctl(warden.poll, EPOLL_CTL_ADD, fd, &event) < 0 && errno != EEXIST) give_up_at(STEP_SESSION);
}

/* Own session, nothing inherited but what the supervisor gave, no signal but SIGKILL that could end it half way. */
static void isolate_self(void) {
  sigset_t all;
  sys_close_range(WARDEN_CHANNEL + 1, ~0u, 0);
  for (int fd = WARDEN_CONTROL; fd <= WARDEN_CHANNEL; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  warden.channel_open = fcntl(WARDEN_CHANNEL, F_GETFD) >= 0;
  warden.streams_taken = streams_take(&warden.streams_failure);
  sigfillset(&all);
  sigdelset(&all, SIGSEGV);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGABRT);
  if (setsid() < 0 || sigprocmask(SIG_SETMASK, &all, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    give_up_at(STEP_SESSION);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

/* Reads the frame that says what to run, into memory that init sees too. */
static void read_launch(uint32_t length) {
  if (length == 0 || length > MAX_DOCUMENT || !control_read_payload(&warden.control, warden.shared->bytes, length)) _exit(1);
  warden.shared->length = length;
  /* Our own copy is what we go by: init runs inside. */
  uint8_t *bytes = malloc(length);
  if (bytes == NULL) give_up_at(STEP_READ_PLAN);
  memcpy(bytes, warden.shared->bytes, length);
  errno = EINVAL;
  if (!launch_parse(&warden.plan, &warden.request, bytes, length)) give_up_at(STEP_DECODE_PLAN);
  warden.settings = DOCUMENT_ROWS(&warden.plan, SECTION_SETTINGS, settings_row);
  warden.terminal = DOCUMENT_ROWS(&warden.request, SECTION_REQUEST, request_row)->flags & REQUEST_FLAG_TTY;
  /* With a terminal of its own the program gets none of the three. */
  if (!warden.terminal && !warden.streams_taken) give_up(&warden.streams_failure);
}

/* Starts init in new namespaces, where it waits. False: they are not to be had. */
static bool start_init(uint32_t namespaces, struct sources *sources) {
  int pair[2];
  int pass = 1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
      setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &pass, sizeof pass) < 0)
    give_up_at(STEP_SESSION);
  warden.init = (pid_t)syscall(SYS_clone, SIGCHLD | namespaces_clone_flags(namespaces), NULL, NULL, NULL, NULL);
  if (warden.init < 0) {
    int saved = errno;
    close(pair[0]);
    close(pair[1]);
    warden.init = 0;
    errno = saved;
    return false;
  }
  if (warden.init == 0) {
    close(pair[0]);
    close(warden.poll);
    close(warden.children);
    ledger_leave();
    close(WARDEN_CONTROL);
    close(WARDEN_CHANNEL);
    init_main(warden.shared, pair[1], sources);
  }
  close(pair[1]);
  warden.inbox = descriptors_lift(pair[0]);
  warden.namespaces = namespaces;
  return true;
}

static void stop_init(void) {
  kill(warden.init, SIGKILL);
  while (waitpid(warden.init, NULL, 0) < 0 && errno == EINTR) {}
  close(warden.inbox);
  warden.init = 0;
}

/* Makes the namespaces while the supervisor still finds out what to put into them: they take the longest. Root has to
   open the sources first, so it waits. */
static void prepare(uint32_t length) {
  uint32_t namespaces = 0;
  if (length != sizeof namespaces || !control_read_payload(&warden.control, &namespaces, length)) _exit(1);
  /* That there are none is no failure yet: the plan may do without. */
  if (geteuid() != 0) start_init(namespaces, NULL);
}

static void make_sandbox(void) {
  struct failure failure;
  struct sources sources = {.count = 0};
  if (!ids_choose(warden.settings, &warden.ids, &failure)) give_up(&failure);
  const struct request_row *request = DOCUMENT_ROWS(&warden.request, SECTION_REQUEST, request_row);
  int cgroup = cgroup_open(document_text(&warden.request, request->cgroup));
  if (cgroup == -1) give_up_at(STEP_CGROUP);
  if (warden.init > 0 && (warden.namespaces != warden.settings->namespaces || warden.ids.drop)) stop_init();
  if (warden.ids.drop) {
    if (!sources_open(&sources, &warden.plan, true, warden.ids.uid, warden.ids.gid, &failure)) give_up(&failure);
    if (!ids_drop(&warden.ids, &failure)) give_up(&failure);
  }
  if (warden.init == 0 && !start_init(warden.settings->namespaces, warden.ids.drop ? &sources : NULL)) give_up_at(STEP_CLONE);
  for (uint32_t i = 0; i < sources.count; i++)
    if (sources.trees[i] >= 0) close(sources.trees[i]);
  if (!cgroup_join(cgroup, warden.init)) give_up_at(STEP_CGROUP);
  if (warden.settings->platform) {
    if (!agent_prepare_rules(&warden.plan, document_text(&warden.request, request->scratch), &failure)) give_up(&failure);
    warden.inner = descriptors_lift(network_socket());
  } else {
    if (!ids_map(warden.settings, &warden.ids, warden.init, &failure)) give_up(&failure);
    if (!agent_prepare(warden.init) || (warden.settings->datagrams && !relay_prepare(warden.init))) give_up_at(STEP_CLONE);
  }
  /* From here on nobody of the same user can trace us or look into our descriptors. */
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) give_up_at(STEP_SESSION);
  if (inbox_send(warden.inbox, (struct inbox_message){.kind = INBOX_GO}, -1) < 0) give_up_at(STEP_CLONE);
}

/* Standard input and output belong to the program, except where the warden stands between two terminals. */
static void leave_stdio(void) {
  if (warden.terminal) return;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) give_up_at(STEP_SESSION);
  for (int fd = 0; fd <= 2; fd++) dup2(null, fd);
  close(null);
}

static void take_listener(const struct inbox_message *message, int fd) {
  int listener = descriptors_lift(fd);
  warden.mediator = (struct mediator){.plan = &warden.plan, .settings = warden.settings, .control = &warden.control,
                                      .listener = listener, .interrupted = message->a != 1, .poll = warden.poll,
                                      .top = warden.init, .cookie = message->c, .inner = warden.inner};
  if (!mediate_start(&warden.mediator)) give_up_at(STEP_LISTENER);
  warden.listening = true;
}

static void report_started(pid_t program) {
  struct frame frame;
  control_begin(&frame, REPORT_STARTED);
  frame_u32(&frame, (uint32_t)program);
  frame_u32(&frame, (uint32_t)warden.init);
  frame_u32(&frame, warden.ids.uid);
  control_send(&warden.control, &frame);
}

static void report_exit(const struct inbox_message *message) {
  struct frame frame;
  denials_flush(&warden.control, true);
  verdicts_flush(&warden.control, true);
  control_begin(&frame, REPORT_EXITED);
  frame_u32(&frame, message->a == 1 ? 0 : (uint32_t)message->b);
  frame_u32(&frame, message->a == 1 ? (uint32_t)message->b : 0);
  control_send(&warden.control, &frame);
}

static void hear_init(void) {
  struct inbox_message message;
  int fd;
  pid_t sender;
  int got = inbox_receive(warden.inbox, &message, &fd, &sender);
  if (got <= 0) {
    epoll_ctl(warden.poll, EPOLL_CTL_DEL, warden.inbox, NULL);
    return;
  }
  switch (message.kind) {
    case INBOX_FAILED: report_failure(&(struct failure){.step = message.a, .error = message.b, .row = message.c}); break;
    case INBOX_PROXY:
      if (!warden.channel_open || !handle_send(WARDEN_CHANNEL, "proxy", fd)) give_up_at(STEP_HANDLE);
      break;
    case INBOX_DNS_UDP:
      if (!warden.channel_open || !handle_send(WARDEN_CHANNEL, "dns-udp", fd)) give_up_at(STEP_HANDLE);
      break;
    case INBOX_DNS_TCP:
      if (!warden.channel_open || !handle_send(WARDEN_CHANNEL, "dns-tcp", fd)) give_up_at(STEP_HANDLE);
      break;
    case INBOX_INNER: warden.inner = descriptors_lift(fd); return;
    case INBOX_PTY:
      warden.master = fd;
      if (!terminal_start(fd)) give_up_at(STEP_PTY);
      watch(fd, POLL_MASTER, EPOLLIN);
      watch(STDIN_FILENO, POLL_INPUT, EPOLLIN);
      return;
    case INBOX_LISTENER: take_listener(&message, fd); return;
    case INBOX_EXECUTING: report_started(sender); break;
    case INBOX_EXITED: report_exit(&message); break;
    default: break;
  }
  if (fd >= 0) close(fd);
}

static void obey(uint32_t type, const uint8_t *payload, size_t length) {
  uint32_t words[4] = {0};
  memcpy(words, payload, length < sizeof words ? length : sizeof words);
  switch (type) {
    case COMMAND_SIGNAL:
      inbox_send(warden.inbox, (struct inbox_message){.kind = INBOX_SIGNAL, .a = words[0], .b = (int32_t)words[1]}, -1);
      break;
    case COMMAND_VERDICT: resume_verdict(&warden.mediator, payload, length); break;
    case COMMAND_DATAGRAMS:
      if (warden.channel_open) relay_make(WARDEN_CHANNEL, payload, length);
      break;
    case COMMAND_DELIVER: datagrams_deliver(payload, length); break;
    case COMMAND_KEEP:
      if (!keep_only(&warden.mediator, payload, length)) kill(warden.init, SIGKILL);
      break;
    case COMMAND_RESIZE: terminal_resize(); break;
    default: kill(warden.init, SIGKILL);
  }
}

static void hear_supervisor(void) {
  uint32_t type;
  const uint8_t *payload;
  size_t length;
  bool alive = control_fill(&warden.control);
  while (control_next(&warden.control, &type, &payload, &length)) obey(type, payload, length);
  if (alive) return;
  /* Nobody decides any more: end the sandbox. */
  kill(warden.init, SIGKILL);
  epoll_ctl(warden.poll, EPOLL_CTL_DEL, WARDEN_CONTROL, NULL);
}

static void reap(void) {
  struct signalfd_siginfo info;
  while (read(warden.children, &info, sizeof info) > 0) {}
  pid_t pid;
  while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
    if (pid == warden.init) warden.ended = true;
}

static int soonest(int a, int b) { return a < 0 ? b : b < 0 || a < b ? a : b; }

static void dispatch(const struct epoll_event *event) {
  if (event->data.u64 >= BIRTH_POLL_BASE) {
    births_ready(&warden.mediator, event->data.u64);
    return;
  }
  if (event->data.u64 >= MEDIATE_POLL_BASE) {
    resume_ready(&warden.mediator, event->data.u64);
    return;
  }
  switch ((enum poll_source)event->data.u64) {
    case POLL_CONTROL: hear_supervisor(); break;
    case POLL_CHANNEL:
      if (!handle_discard(WARDEN_CHANNEL)) epoll_ctl(warden.poll, EPOLL_CTL_DEL, WARDEN_CHANNEL, NULL);
      break;
    case POLL_INBOX: hear_init(); break;
    case POLL_CHILD: reap(); break;
    case POLL_INPUT: terminal_copy(true, false); break;
    case POLL_MASTER:
      if (!terminal_copy(false, (event->events & (EPOLLIN | EPOLLHUP)) != 0)) {
        epoll_ctl(warden.poll, EPOLL_CTL_DEL, warden.master, NULL);
        epoll_ctl(warden.poll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        warden.master = -1;
      }
      break;
  }
}

static void adjust_interest(void) {
  static uint32_t wanted;
  struct epoll_event control = {.events = EPOLLIN | (warden.control.out_length > 0 ? EPOLLOUT : 0), .data.u64 = POLL_CONTROL};
  if (control.events != wanted && epoll_ctl(warden.poll, EPOLL_CTL_MOD, WARDEN_CONTROL, &control) == 0) wanted = control.events;
  if (warden.control.out_length > 0) control_flush(&warden.control);
  if (warden.master < 0) return;
  struct epoll_event master = {.events = EPOLLIN | (terminal_wants_write() ? EPOLLOUT : 0), .data.u64 = POLL_MASTER};
  epoll_ctl(warden.poll, EPOLL_CTL_MOD, warden.master, &master);
}

/* Waits for events, and takes a call. The listener is no member of the set: the kernel wakes who waits for it on the processor
   of the caller, whose call nobody else can end (Linux 6.6), but not through a set. */
static void wait_for_events(int timeout) {
  struct epoll_event events[32];
  /* While the supervisor has much to read, calls wait in the kernel, where a signal still ends them: of what is refused nothing
     goes untold, and what waits to be told has an end. */
  bool hears = warden.listening && !control_behind(&warden.control);
  struct pollfd wait[] = {{.fd = warden.poll, .events = POLLIN}, {.fd = hears ? warden.mediator.listener : -1, .events = POLLIN}};
  int ready = poll(wait, 2, timeout);
  if (ready < 0 && errno != EINTR) give_up_at(STEP_SESSION);
  if (ready <= 0) return;
  int count = wait[0].revents != 0 ? epoll_wait(warden.poll, events, 32, 0) : 0;
  if (count < 0 && errno != EINTR) give_up_at(STEP_SESSION);
  for (int i = 0; i < count; i++) dispatch(&events[i]);
  if (wait[1].revents != 0 && ((wait[1].revents & POLLIN) == 0 || !mediate_receive(&warden.mediator))) warden.listening = false;
}

static void run(void) {
  while (!warden.ended) {
    int timeout = denials_flush(&warden.control, false);
    timeout = soonest(timeout, verdicts_flush(&warden.control, false));
    timeout = soonest(timeout, resume_tick(&warden.mediator));
    timeout = soonest(timeout, prompt_rest());
    timeout = soonest(timeout, quota_check(&warden.control, warden.settings, warden.init));
    adjust_interest();
    wait_for_events(timeout);
  }
  /* There the end of init is not that of all others. */
  if (warden.settings->platform) tree_kill_below_self();
  /* What init said before it ended may still lie in the socket. */
  fcntl(warden.inbox, F_SETFL, O_NONBLOCK);
  struct inbox_message message;
  int fd;
  pid_t sender;
  while (inbox_receive(warden.inbox, &message, &fd, &sender) == 1) {
    if (message.kind == INBOX_FAILED) report_failure(&(struct failure){.step = message.a, .error = message.b, .row = message.c});
    else if (message.kind == INBOX_EXECUTING) report_started(sender);
    else if (message.kind == INBOX_EXITED) report_exit(&message);
    if (fd >= 0) close(fd);
  }
  denials_flush(&warden.control, true);
  verdicts_flush(&warden.control, true);
  terminal_stop();
  control_end(&warden.control, END_MS);
}

static void wait_for_launch(void) {
  uint32_t type;
  uint32_t length;
  while (control_read_header(&warden.control, &type, &length)) {
    if (type == COMMAND_PREPARE && warden.init == 0) {
      prepare(length);
    } else if (type == COMMAND_LAUNCH) {
      read_launch(length);
      return;
    } else {
      break;
    }
  }
  /* The supervisor changed its mind. Init would end with us, but who would wait for it? */
  if (warden.init != 0) stop_init();
  _exit(1);
}

int warden_main(void) {
  sigset_t child;
  isolate_self();
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  descriptors_start();
  warden.children = descriptors_lift(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  warden.poll = descriptors_lift(epoll_create1(EPOLL_CLOEXEC));
  warden.shared = mmap(NULL, sizeof *warden.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (warden.children < 0 || warden.poll < 0 || warden.shared == MAP_FAILED || !ledger_start()) give_up_at(STEP_SESSION);
  wait_for_launch();
  make_sandbox();
  leave_stdio();
  if (!control_start(&warden.control)) give_up_at(STEP_SESSION);
  watch(WARDEN_CONTROL, POLL_CONTROL, EPOLLIN);
  if (warden.channel_open) watch(WARDEN_CHANNEL, POLL_CHANNEL, EPOLLIN);
  watch(warden.inbox, POLL_INBOX, EPOLLIN);
  watch(warden.children, POLL_CHILD, EPOLLIN);
  run();
  return 0;
}
