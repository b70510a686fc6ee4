/* One attack by name, made with raw system calls, so that nothing between it and the kernel decides. An action returns a
   value >= 0 when the attack works, and -1 with errno when it does not. */
#ifndef PROBE_H
#define PROBE_H

#include <sys/types.h>

typedef long action(char **arguments);

struct entry {
  const char *name;
  action *run;
};

/* Each ends with a row of zeros. */
extern const struct entry KERNEL_ACTIONS[];
extern const struct entry MOUNT_ACTIONS[];
extern const struct entry PROCESS_ACTIONS[];
extern const struct entry FILE_ACTIONS[];
extern const struct entry SOCKET_ACTIONS[];
extern const struct entry NETWORK_ACTIONS[];
extern const struct entry HANDED_OVER_ACTIONS[];
extern const struct entry CONNECT_RACE_ACTIONS[];
extern const struct entry DNS_FLOOD_ACTIONS[];
extern const struct entry CALL_FLOOD_ACTIONS[];
extern const struct entry TERMINAL_ACTIONS[];
extern const struct entry SAME_UID_ACTIONS[];
extern const struct entry NEIGHBOUR_ACTIONS[];
extern const struct entry ROAM_ACTIONS[];
extern const struct entry ATTRIBUTE_ACTIONS[];
extern const struct entry SHARED_SOCKET_ACTIONS[];

/* Runs the jobs of a file, each in a process of its own, and prints one JSON line per job. */
int drive(const char *jobs);

/* An argument as a number, in any base of C; ends the program when it is missing. */
long number(const char *text);
/* The argument, or the end of the program when it is missing. */
const char *given(const char *text);
/* Something that belongs to the attempt and not to the attack failed: exit code 2, which no expectation fits. */
_Noreturn void broken(const char *what);
/* Fails as a call that this architecture does not have. */
long no_such_call(void);
/* The action in a child of its own: for what would change or end the caller. */
long in_child(action *run, char **arguments);
/* A child that sleeps until this program ends. */
pid_t sleeper(void);
/* The same, with a pidfd that clone(2) gave, so that pidfd_open(2) is not needed. */
int sleeper_pidfd(void);

#endif
