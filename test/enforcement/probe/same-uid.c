/* Runs every attack on every victim, each in a process of its own, and prints `victim/attack errno`: 0 when it worked. */
#define _GNU_SOURCE
#include "same-uid.h"
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 5000

struct holdings neighbour;

int open_in_proc(pid_t pid, const char *name, int flags) {
  char path[96];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return open(path, flags | O_CLOEXEC);
}

/* Both follow the name, which ends with the last parenthesis. */
static bool read_stat(pid_t pid, char *state, pid_t *parent) {
  char text[512];
  int file = open_in_proc(pid, "stat", O_RDONLY);
  ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  if (length <= 0) return false;
  text[length] = 0;
  const char *end = strrchr(text, ')');
  return end != NULL && sscanf(end + 1, " %c %d", state, parent) == 2;
}
char state_of(pid_t pid) {
  char state;
  pid_t parent;
  return read_stat(pid, &state, &parent) ? state : 0;
}
pid_t parent_of(pid_t pid) {
  char state;
  pid_t parent;
  return read_stat(pid, &state, &parent) ? parent : 0;
}

bool is_pending(pid_t pid, int number) {
  char line[256];
  bool found = false;
  int file = open_in_proc(pid, "status", O_RDONLY);
  FILE *status = file < 0 ? NULL : fdopen(file, "r");
  if (status == NULL) return false;
  while (fgets(line, sizeof line, status) != NULL) {
    unsigned long long set;
    if (sscanf(line, "SigPnd: %llx", &set) != 1 && sscanf(line, "ShdPnd: %llx", &set) != 1) continue;
    if ((set >> (number - 1) & 1) != 0) found = true;
  }
  fclose(status);
  return found;
}

static _Noreturn void attempt(const struct attack *attack, const struct victim *victim, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0); /* what it does to a group, it is not to do to itself */
  errno = 0;
  int error = attack->run(victim, attack->detail) < 0 ? errno : 0;
  _exit(write(report, &error, sizeof error) == (ssize_t)sizeof error ? 0 : 2);
}

/* EPIPE when it ended without a word, ETIME when it hung. */
static int outcome(const struct attack *attack, const struct victim *victim) {
  int ends[2];
  int error = EPIPE;
  if (pipe2(ends, O_CLOEXEC) < 0) broken("pipe2");
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (child == 0) attempt(attack, victim, ends[1]);
  close(ends[1]);
  struct pollfd ready = {.fd = ends[0], .events = POLLIN};
  if (poll(&ready, 1, LIMIT_MS) == 0) error = ETIME;
  else if (read(ends[0], &error, sizeof error) != (ssize_t)sizeof error) error = EPIPE;
  close(ends[0]);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return error;
}

static void run_all(const struct attack *table, const struct victim *victim) {
  for (const struct attack *attack = table; attack->name != NULL; attack++) {
    printf("%s/%s %d\n", victim->name, attack->name, outcome(attack, victim));
    fflush(stdout);
  }
}

/* That signals, groups and limits work at all where all of this is refused: on a child. */
static void run_on_child(void) {
  struct victim child = {"child", sleeper(), 0};
  setpgid(child.pid, child.pid);
  run_all(SIGNAL_ATTACKS, &child);
  kill(child.pid, SIGKILL);
  waitpid(child.pid, NULL, 0);
}

/* Says whom it attacks, and goes on with a line on standard input. */
static void wait_for_word(const struct victim *victims, size_t count) {
  char byte;
  for (size_t i = 0; i < count; i++) printf("pid %s %d\n", victims[i].name, victims[i].pid);
  puts("ready");
  fflush(stdout);
  while (read(0, &byte, 1) == 1 && byte != '\n') {
  }
}

/* where key tag directory pid word terminal: `inside` started by init, which the warden started, and that the
   supervisor. `outside` attacks the neighbour only. */
static long same_uid(char **a) {
  bool inside = strcmp(given(a[0]), "inside") == 0;
  neighbour = (struct holdings){
      .key = (key_t)number(a[1]),
      .tag = given(a[2]),
      .directory = given(a[3]),
      .self = {"neighbour", (pid_t)number(a[4]), (unsigned long)number(a[5])},
      .terminal = given(a[6]),
  };
  setpgid(0, 0); /* the leader of a session is in a group of its own already */
  struct victim victims[4] = {neighbour.self};
  size_t count = 1;
  if (inside) {
    pid_t init = getppid();
    pid_t warden = parent_of(init);
    victims[count++] = (struct victim){"init", init, 0};
    victims[count++] = (struct victim){"warden", warden, 0};
    victims[count++] = (struct victim){"supervisor", parent_of(warden), 0};
    wait_for_word(victims, count);
  }
  for (size_t i = 0; i < count; i++) {
    run_all(TRACING_ATTACKS, &victims[i]);
    run_all(SCHEDULING_ATTACKS, &victims[i]);
    run_all(SIGNAL_ATTACKS, &victims[i]);
  }
  run_all(OBJECT_ATTACKS, &neighbour.self);
  run_on_child();
  return 0;
}

const struct entry SAME_UID_ACTIONS[] = {
    {"same-uid", same_uid},
    {0},
};
