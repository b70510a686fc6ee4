#define _GNU_SOURCE
#include "program.h"
#include "inbox.h"
#include "sys.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static _Noreturn void give_up(int inbox, int error) {
  inbox_send(inbox, (struct inbox_message){.kind = INBOX_FAILED, .a = STEP_EXEC, .b = error, .c = UINT64_MAX}, -1);
  _exit(error == ENOENT ? 127 : 126);
}

static char **texts(const struct document *request, uint32_t section) {
  const struct argument_row *rows = DOCUMENT_ROWS(request, section, argument_row);
  uint32_t count = DOCUMENT_COUNT(request, section);
  char **list = calloc(count + 1, sizeof *list);
  if (list == NULL) return NULL;
  for (uint32_t i = 0; i < count; i++) list[i] = (char *)(uintptr_t)document_text(request, rows[i].text);
  return list;
}

/* Looks a bare name up in the search path as a shell does: the first file that can be executed, else EACCES if any
   was found that cannot, else ENOENT. */
static int execute(const char *name, const char *search, char **argv, char **envp) {
  if (strchr(name, '/') != NULL) {
    execve(name, argv, envp);
    return errno;
  }
  if (*name == 0) return ENOENT;
  int result = ENOENT;
  char path[PATH_MAX];
  for (const char *at = search;; at++) {
    size_t length = strcspn(at, ":");
    int written = length == 0 ? snprintf(path, sizeof path, "./%s", name)
                              : snprintf(path, sizeof path, "%.*s/%s", (int)length, at, name);
    if (written > 0 && (size_t)written < sizeof path) {
      execve(path, argv, envp);
      if (errno == EACCES) {
        struct stat st;
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) result = EACCES;
      } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENAMETOOLONG) {
        return errno;
      }
    }
    at += length;
    if (*at == 0) return result;
  }
}

void program_run(const struct document *request, int inbox, int terminal) {
  const struct request_row *wanted = DOCUMENT_ROWS(request, SECTION_REQUEST, request_row);
  char **argv = texts(request, SECTION_ARGUMENT);
  char **envp = texts(request, SECTION_ENVIRONMENT);
  if (argv == NULL || envp == NULL || argv[0] == NULL) give_up(inbox, ENOMEM);
  if (setsid() < 0) give_up(inbox, errno);
  if (terminal >= 0) {
    if (ioctl(terminal, TIOCSCTTY, 0) < 0) give_up(inbox, errno);
    for (int fd = 0; fd <= 2; fd++)
      if (dup2(terminal, fd) < 0) give_up(inbox, errno);
  }
  for (int signal_number = 1; signal_number < NSIG; signal_number++) signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) give_up(inbox, errno);
  if (sys_close_range(3, ~0u, SYS_CLOSE_RANGE_CLOEXEC) < 0) give_up(inbox, errno);
  umask(022);
  inbox_send(inbox, (struct inbox_message){.kind = INBOX_EXECUTING}, -1);
  give_up(inbox, execute(argv[0], document_text(request, wanted->search_path), argv, envp));
}
