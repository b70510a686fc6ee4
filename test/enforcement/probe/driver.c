#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A job is three strings, each with its 0: a name, milliseconds that it may take, and a script for sh(1). */

#define MAX_OUTPUT 8192

struct result {
  int status;
  bool late;
  size_t length;
  unsigned char output[MAX_OUTPUT];
};

static char *read_whole(const char *path, size_t *length) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0) broken(path);
  char *text = malloc((size_t)st.st_size + 1);
  if (text == NULL) broken("malloc");
  *length = 0;
  ssize_t got;
  while (*length < (size_t)st.st_size && (got = read(fd, text + *length, (size_t)st.st_size - *length)) > 0)
    *length += (size_t)got;
  text[*length] = 0;
  close(fd);
  return text;
}

static void on_child(int signal_number) { (void)signal_number; }

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads what is there. False at the end of the stream. */
static bool collect(int fd, struct result *result) {
  for (;;) {
    unsigned char rest[512];
    size_t room = MAX_OUTPUT - result->length;
    ssize_t got = room > 0 ? read(fd, result->output + result->length, room) : read(fd, rest, sizeof rest);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    if (room > 0) result->length += (size_t)got;
  }
}

/* A limit of processes counts what was killed until it is waited for. */
#define GONE_MS 5000

static _Noreturn void become(const char *script, int output, const sigset_t *mask) {
  setsid();
  int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(2);
  sigprocmask(SIG_SETMASK, mask, NULL);
  signal(SIGCHLD, SIG_DFL);
  execl("/bin/sh", "sh", "-c", script, (char *)NULL);
  _exit(2);
}

/* What the job before has left may still count. */
static pid_t fork_at_last(void) {
  pid_t child = fork();
  for (int i = 0; child < 0 && errno == EAGAIN && i < 200; i++) {
    nanosleep(&(struct timespec){0, 10000000}, NULL);
    child = fork();
  }
  if (child < 0) broken("fork");
  return child;
}

static void run_job(const char *script, int64_t limit, const sigset_t *mask, struct result *result) {
  int output[2];
  memset(result, 0, sizeof *result);
  if (pipe2(output, O_CLOEXEC) < 0) broken("pipe2");
  pid_t child = fork_at_last();
  if (child == 0) become(script, output[1], mask);
  close(output[1]);
  fcntl(output[0], F_SETFL, O_NONBLOCK);
  int64_t end = now_ms() + limit;
  bool open_still = true;
  while (waitpid(child, &result->status, WNOHANG) == 0) {
    int64_t left = end - now_ms();
    if (left <= 0) {
      result->late = true;
      kill(-child, SIGKILL);
      waitpid(child, &result->status, 0);
      break;
    }
    struct timespec wait = {left / 1000, (left % 1000) * 1000000};
    struct pollfd ready = {.fd = open_still ? output[0] : -1, .events = POLLIN};
    if (ppoll(&ready, 1, &wait, mask) > 0) open_still = collect(output[0], result);
  }
  collect(output[0], result);
  close(output[0]);
  /* What the script left behind in its session is no part of the next job. */
  for (int64_t until = now_ms() + GONE_MS; kill(-child, SIGKILL) == 0 && now_ms() < until;)
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void print_result(const char *name, const struct result *result) {
  bool ended = WIFEXITED(result->status);
  printf("{\"id\":\"%s\",\"code\":%d,\"signal\":%d,\"late\":%s,\"output\":\"", name,
         ended ? WEXITSTATUS(result->status) : -1, ended ? 0 : WTERMSIG(result->status),
         result->late ? "true" : "false");
  for (size_t i = 0; i < result->length; i++) {
    unsigned char byte = result->output[i];
    if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') printf("\\u%04x", byte);
    else putchar(byte);
  }
  puts("\"}");
  fflush(stdout);
}

int drive(const char *jobs) {
  size_t length;
  char *text = read_whole(jobs, &length);
  sigset_t child_signal;
  sigset_t before;
  struct sigaction ended = {.sa_handler = on_child};
  struct result result;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigaction(SIGCHLD, &ended, NULL);
  sigprocmask(SIG_BLOCK, &child_signal, &before);
  for (char *at = text; at < text + length;) {
    const char *name = at;
    const char *limit = name + strlen(name) + 1;
    if (limit >= text + length) broken("the file of jobs is cut short");
    const char *script = limit + strlen(limit) + 1;
    if (script >= text + length) broken("the file of jobs is cut short");
    at = (char *)(uintptr_t)script + strlen(script) + 1;
    run_job(script, number(limit), &before, &result);
    print_result(name, &result);
  }
  free(text);
  return 0;
}
