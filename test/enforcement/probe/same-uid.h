/* Attacks of a process on others of the same user, in the host's own pid namespace. Each returns a value >= 0 when it
   works, and -1 with errno when it does not. None harms its victim: what is there is set again, and what is stopped goes
   on. */
#ifndef SAME_UID_H
#define SAME_UID_H

#include <stdbool.h>
#include <sys/types.h>

struct victim {
  const char *name;
  pid_t pid;
  /* Of a word of its memory; of the others no address is known, and none is needed to be refused. */
  unsigned long word;
};

/* What the neighbour (neighbour.c) holds besides itself. */
struct holdings {
  key_t key;
  /* Of its message queue (`/tag`), its shared memory (the same), and its abstract sockets (`tag`, `tag-datagram`). */
  const char *tag;
  /* Holds `socket`, `datagram` and `file`, and is no place that a sandbox is given. */
  const char *directory;
  /* The one of its session. */
  const char *terminal;
  struct victim self;
};
extern struct holdings neighbour;

struct attack {
  const char *name;
  long (*run)(const struct victim *victim, const char *detail);
  const char *detail;
};

/* On each victim. Each table ends with a row of zeros. */
extern const struct attack TRACING_ATTACKS[];
extern const struct attack SIGNAL_ATTACKS[];
extern const struct attack SCHEDULING_ATTACKS[];
/* On what the neighbour holds. */
extern const struct attack OBJECT_ATTACKS[];

/* A pidfd by pidfd_open(2), or else the directory in /proc, which pidfd_send_signal(2) takes as well. */
int pidfd_of(pid_t pid);
/* A file of the process in /proc. */
int open_in_proc(pid_t pid, const char *name, int flags);
/* One letter of proc(5), or 0. */
char state_of(pid_t pid);
pid_t parent_of(pid_t pid);
/* Whether a signal waits for it to run again: so one that was sent shows at once, however busy the machine is. */
bool is_pending(pid_t pid, int number);
/* Becomes the leader of a session whose terminal is new, and gives its slave side; -1 where it cannot be made. */
int new_terminal(void);

#endif
