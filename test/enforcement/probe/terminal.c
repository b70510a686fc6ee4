/* Terminals. `own` attacks a pseudo terminal that is made here; `inherited` the one on standard input. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Becomes the leader of a session whose terminal is new, and gives its slave side. In a child, which leads no group. */
static int own_terminal(void) {
  int unlock = 0;
  if (setsid() < 0) broken("setsid");
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0) broken("/dev/ptmx");
  int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0) broken("a terminal");
  return slave;
}

static int terminal_of(const char *which) { return strcmp(given(which), "own") == 0 ? own_terminal() : 0; }

static long type_character_now(char **a) {
  char character = 'x';
  return syscall(SYS_ioctl, terminal_of(a[0]), TIOCSTI, &character);
}
static long type_character(char **a) { return in_child(type_character_now, a); }

/* The same request with bits that the kernel cuts off. */
static long type_character_high_now(char **a) {
  char character = 'x';
  return syscall(SYS_ioctl, terminal_of(a[0]), (unsigned long)TIOCSTI | 1ul << 32, &character);
}
static long type_character_high(char **a) { return in_child(type_character_high_now, a); }

static long paste_selection_now(char **a) {
  char subcode[16] = {3 /* TIOCL_PASTESEL */};
  return syscall(SYS_ioctl, terminal_of(a[0]), TIOCLINUX, subcode);
}
static long paste_selection(char **a) { return in_child(paste_selection_now, a); }

static long take_console_now(char **a) { return syscall(SYS_ioctl, terminal_of(a[0]), TIOCCONS, 0); }
static long take_console(char **a) { return in_child(take_console_now, a); }

static long set_discipline_now(char **a) {
  int discipline = 0; /* N_TTY */
  return syscall(SYS_ioctl, terminal_of(a[0]), TIOCSETD, &discipline);
}
static long set_discipline(char **a) { return in_child(set_discipline_now, a); }

static long hang_up_now(char **a) { return syscall(SYS_ioctl, terminal_of(a[0]), TIOCVHANGUP, 0); }
static long hang_up(char **a) { return in_child(hang_up_now, a); }

static long controlling_terminal(char **a) {
  (void)a;
  return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

/* Runs a program on a new terminal, on which `typed` stands already. Gives its exit code, or -1, and how many bytes wait
   to be read there afterwards. */
static int run_on_terminal(char **a, const char *typed, int *waiting) {
  int status;
  int unlock = 0;
  given(a[0]);
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0) broken("/dev/ptmx");
  int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) broken("a terminal");
  struct termios settings;
  if (tcgetattr(slave, &settings) < 0) broken("tcgetattr");
  cfmakeraw(&settings);
  if (tcsetattr(slave, TCSANOW, &settings) < 0) broken("tcsetattr");
  if (write(master, typed, strlen(typed)) != (ssize_t)strlen(typed)) broken("write");
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (child == 0) {
    setsid();
    if (ioctl(slave, TIOCSCTTY, 0) < 0) _exit(3);
    dup2(slave, 0);
    dup2(slave, 1);
    execvp(a[0], a);
    _exit(3);
  }
  if (waitpid(child, &status, 0) < 0) broken("waitpid");
  if (ioctl(slave, FIONREAD, waiting) < 0) broken("FIONREAD");
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Works when the program ended with 0, or something was typed there meanwhile. */
static long on_terminal(char **a) {
  int waiting = 0;
  int code = run_on_terminal(a, "", &waiting);
  errno = EPERM;
  return code == 0 || waiting > 0 ? 0 : -1;
}
/* Works when the program ended with 0, with a line that was typed on the terminal. */
static long typed_on_terminal(char **a) {
  int waiting = 0;
  int code = run_on_terminal(a, "typed\n", &waiting);
  errno = EPERM;
  return code == 0 ? 0 : -1;
}

const struct entry TERMINAL_ACTIONS[] = {
    {"type-character", type_character},
    {"type-character-high", type_character_high},
    {"paste-selection", paste_selection},
    {"take-console", take_console},
    {"set-discipline", set_discipline},
    {"hang-up", hang_up},
    {"controlling-terminal", controlling_terminal},
    {"on-terminal", on_terminal},
    {"typed-on-terminal", typed_on_terminal},
    {0},
};
