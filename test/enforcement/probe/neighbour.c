/* An ordinary process of the same user, in the session where a program is started: with a terminal, sockets, objects of
   IPC and a file. */
#define _GNU_SOURCE
#include "probe.h"
#include "same-uid.h"
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int new_terminal(void) {
  int unlock = 0;
  if (setsid() < 0) return -1;
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0) return -1;
  int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  return slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 ? -1 : slave;
}

static int bind_name(int type, const char *path, const char *abstract) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  int length = path != NULL ? snprintf(name.sun_path, sizeof name.sun_path, "%s", path)
                            : snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "%s", abstract) + 1;
  int file = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length);
  if (file < 0 || bind(file, (struct sockaddr *)&name, size) < 0) broken("a Unix socket");
  if (type == SOCK_STREAM && listen(file, 64) < 0) broken("listen");
  return file;
}

static char queue[64];
static int memory_id = -1;
static int semaphore_id = -1;
static int messages_id = -1;

static void make_ipc(key_t key, const char *tag) {
  snprintf(queue, sizeof queue, "/%s", tag);
  memory_id = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
  semaphore_id = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
  messages_id = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
  if (memory_id < 0 || semaphore_id < 0 || messages_id < 0) perror("broken: System V IPC");
  if (mq_open(queue, O_CREAT | O_EXCL | O_RDWR, 0600, NULL) < 0) perror("broken: a message queue");
  if (shm_open(queue, O_CREAT | O_EXCL | O_RDWR, 0600) < 0) perror("broken: shared memory");
}
static void remove_ipc(void) {
  shmctl(memory_id, IPC_RMID, NULL);
  semctl(semaphore_id, 0, IPC_RMID);
  msgctl(messages_id, IPC_RMID, NULL);
  mq_unlink(queue);
  shm_unlink(queue);
}

static void show_count(int count) {
  char name[16];
  snprintf(name, sizeof name, "neighbour %d", count);
  prctl(PR_SET_NAME, name, 0, 0, 0);
}

/* Its name counts the signals to go on; it ends with its starter, and with SIGTERM. */
static _Noreturn void live(key_t key, const char *tag, const char *directory, int ready) {
  char path[256];
  char datagram[80];
  int listeners[2];
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCONT);
  sigaddset(&watched, SIGTERM);
  sigprocmask(SIG_BLOCK, &watched, NULL);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (setpgid(0, 0) < 0) broken("setpgid");
  show_count(0);
  make_ipc(key, tag);
  snprintf(datagram, sizeof datagram, "%s-datagram", tag);
  snprintf(path, sizeof path, "%s/socket", directory);
  listeners[0] = bind_name(SOCK_STREAM, path, NULL);
  listeners[1] = bind_name(SOCK_STREAM, NULL, tag);
  snprintf(path, sizeof path, "%s/datagram", directory);
  bind_name(SOCK_DGRAM, path, NULL);
  bind_name(SOCK_DGRAM, NULL, datagram);
  snprintf(path, sizeof path, "%s/file", directory);
  int file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0 || write(file, "TOP-SECRET-WORD\n", 16) != 16) broken(path);
  /* What is open under 0 it would not mind to share, were it not its own. */
  dup2(file, 0);
  struct pollfd wait[3] = {{.fd = signalfd(-1, &watched, SFD_CLOEXEC), .events = POLLIN},
                           {.fd = listeners[0], .events = POLLIN},
                           {.fd = listeners[1], .events = POLLIN}};
  if (write(ready, "r", 1) != 1) broken("write");
  close(ready);
  for (int count = 0;;) {
    struct signalfd_siginfo signal_seen;
    if (poll(wait, 3, -1) < 0) continue;
    for (int i = 0; i < 2; i++) close(accept(listeners[i], NULL, NULL));
    if (wait[0].revents == 0 || read(wait[0].fd, &signal_seen, sizeof signal_seen) < 0) continue;
    if (signal_seen.ssi_signo == SIGTERM) break;
    show_count(++count);
  }
  remove_ipc();
  _exit(0);
}

static int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/* key tag directory, and a program with its arguments, which gets three more: the number of the neighbour, the address
   of a word of it, and the terminal. Both are children in one session. Ends as the program does. */
static long with_neighbour(char **a) {
  static unsigned long word = 0x4e454947;
  key_t key = (key_t)number(a[0]);
  const char *tag = given(a[1]);
  const char *directory = given(a[2]);
  char texts[3][64];
  int ready[2];
  int status;
  char byte;
  int input = fcntl(0, F_DUPFD_CLOEXEC, 3);
  pid_t starter = fork(); /* the leader of a group cannot make a session */
  if (starter < 0) broken("fork");
  if (starter > 0) {
    waitpid(starter, &status, 0);
    _exit(exit_code(status));
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int terminal = new_terminal();
  if (terminal < 0 || ttyname_r(terminal, texts[2], sizeof texts[2]) != 0) broken("a terminal");
  if (pipe2(ready, O_CLOEXEC) < 0) broken("pipe2");
  pid_t neighbour_pid = fork();
  if (neighbour_pid < 0) broken("fork");
  if (neighbour_pid == 0) live(key, tag, directory, ready[1]);
  close(ready[1]);
  if (read(ready[0], &byte, 1) != 1) broken("the neighbour");
  snprintf(texts[0], sizeof texts[0], "%d", neighbour_pid);
  snprintf(texts[1], sizeof texts[1], "%#lx", (unsigned long)&word);
  size_t count = 0;
  while (a[3 + count] != NULL) count++;
  char **words = calloc(count + 4, sizeof *words);
  if (words == NULL) broken("calloc");
  for (size_t i = 0; i < count; i++) words[i] = a[3 + i];
  for (size_t i = 0; i < 3; i++) words[count + i] = texts[i];
  pid_t program = fork();
  if (program < 0) broken("fork");
  if (program == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(input, 0);
    execvp(words[0], words);
    broken(words[0]);
  }
  waitpid(program, &status, 0);
  kill(neighbour_pid, SIGTERM);
  waitpid(neighbour_pid, NULL, 0);
  _exit(exit_code(status));
}

const struct entry NEIGHBOUR_ACTIONS[] = {
    {"with-neighbour", with_neighbour},
    {0},
};
