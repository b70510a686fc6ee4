/* Calls that are all refused, from many threads at once, for as long as somebody holds the other end of standard input. */
#define _GNU_SOURCE
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;
static const char *kinds;
static atomic_bool over;
static atomic_long connects, unixes, ptraces, binds, strange;

/* Counts a refusal; whatever else came of a call is strange. */
static void count(atomic_long *counter, long result, int expected) {
  if (result < 0 && errno == expected) {
    atomic_fetch_add(counter, 1);
    return;
  }
  fprintf(stderr, "result %ld, errno %d\n", result, errno);
  atomic_fetch_add(&strange, 1);
}

static void internet(unsigned seed, unsigned round) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(1 + round % 60000)),
                                .sin_addr.s_addr = htonl(0xcb007100u + seed % 256)}; /* 203.0.113.0/24 */
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  count(&connects, connect(fd, (struct sockaddr *)&address, sizeof address), EACCES);
  close(fd);
}

static void local(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  count(&unixes, connect(fd, (struct sockaddr *)&address, sizeof address), EACCES);
  close(fd);
}

/* The warden's alone to refuse: no event. */
static void too_short(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  count(&binds, bind(fd, (struct sockaddr *)&address, 1), EINVAL);
  close(fd);
}

static void *flood(void *argument) {
  unsigned seed = (unsigned)(size_t)argument;
  for (unsigned round = 0; !atomic_load(&over); round++) {
    switch (kinds[(round + seed) % strlen(kinds)]) {
      case 'c': internet(seed, round); break;
      case 'u': local(); break;
      case 'p': count(&ptraces, ptrace(PTRACE_SEIZE, 1, NULL, NULL), EPERM); break;
      case 'b': too_short(); break;
    }
  }
  return NULL;
}

/* Goes on in a process with so many more ancestors, all of which a report about it tells. */
static void descend(long depth) {
  for (long i = 0; i < depth; i++) {
    pid_t child = fork();
    int status = 2;
    if (child < 0) broken("fork");
    if (child == 0) continue;
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status));
  }
}

/* `call-flood THREADS PATH KINDS DEPTH`, kinds among `cupb`: prints how many calls of each kind were refused. */
static long call_flood(char **arguments) {
  long threads = number(arguments[0]);
  pthread_t all[256];
  char byte;
  path = given(arguments[1]);
  kinds = given(arguments[2]);
  if (threads > 256) threads = 256;
  descend(number(arguments[3]));
  for (long i = 0; i < threads; i++)
    if (pthread_create(&all[i], NULL, flood, (void *)i) != 0) broken("pthread_create");
  puts("flooding");
  fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) {}
  atomic_store(&over, true);
  for (long i = 0; i < threads; i++) pthread_join(all[i], NULL);
  printf("refused connects %ld unix %ld ptrace %ld bind %ld strange %ld\n", connects, unixes, ptraces, binds, strange);
  return 0;
}

const struct entry CALL_FLOOD_ACTIONS[] = {{"call-flood", call_flood}, {0}};
