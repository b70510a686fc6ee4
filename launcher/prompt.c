#define _GNU_SOURCE
#include "prompt.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Every so often, so that none comes too early to end the wait. */
#define MOMENT_US 2000

static void wake(int signal) { (void)signal; }

bool prompt_start(void) {
  sigset_t alarm;
  struct sigaction action = {.sa_handler = wake}; /* no SA_RESTART */
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  return sigaction(SIGALRM, &action, NULL) == 0 && sigprocmask(SIG_UNBLOCK, &alarm, NULL) == 0;
}

int prompt_connect(int file, int domain, const struct target *target) {
  const struct itimerval moments = {{.tv_usec = MOMENT_US}, {.tv_usec = MOMENT_US}};
  const struct itimerval never = {{0}, {0}};
  setitimer(ITIMER_REAL, &moments, NULL);
  int error = connect(file, (const struct sockaddr *)&target->address, target->length) < 0 ? errno : 0;
  setitimer(ITIMER_REAL, &never, NULL);
  if (error != EINTR) return error;
  return domain == AF_UNIX ? EAGAIN : EINPROGRESS;
}
