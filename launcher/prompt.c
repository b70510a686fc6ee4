#define _GNU_SOURCE
#include "prompt.h"
#include "clock.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

/* A signal comes every so often, so that none is too early to end the wait. To set the clock costs more than the connect: it goes
   on from one to the next, and stops when there was none for long. */
#define MOMENT_US 4000
#define LONG_MS 100

static sigset_t alarm_signal;
static bool ticking;
static int64_t used_ms;

static void wake(int signal) { (void)signal; }

static void tick(bool on) {
  const struct itimerval moments = {{.tv_usec = MOMENT_US}, {.tv_usec = MOMENT_US}};
  const struct itimerval never = {{0}, {0}};
  setitimer(ITIMER_REAL, on ? &moments : &never, NULL);
  ticking = on;
}

bool prompt_start(void) {
  struct sigaction action = {.sa_handler = wake}; /* no SA_RESTART */
  sigemptyset(&alarm_signal);
  sigaddset(&alarm_signal, SIGALRM);
  return sigaction(SIGALRM, &action, NULL) == 0 && sigprocmask(SIG_BLOCK, &alarm_signal, NULL) == 0;
}

int prompt_connect(int file, int domain, const struct target *target) {
  used_ms = now_ms();
  if (!ticking) tick(true);
  /* What waits to be delivered is, before the call: the next one ends it. */
  sigprocmask(SIG_UNBLOCK, &alarm_signal, NULL);
  int error = connect(file, (const struct sockaddr *)&target->address, target->length) < 0 ? errno : 0;
  sigprocmask(SIG_BLOCK, &alarm_signal, NULL);
  if (error != EINTR) return error;
  return domain == AF_UNIX ? EAGAIN : EINPROGRESS;
}

int prompt_rest(void) {
  if (!ticking) return -1;
  int64_t left = used_ms + LONG_MS - now_ms();
  if (left > 0) return (int)left;
  tick(false);
  return -1;
}
