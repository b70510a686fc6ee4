/* Answers to seccomp notifications (seccomp_unotify(2)). */
#ifndef OPENSHELL_ANSWER_H
#define OPENSHELL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

/* Asks the kernel how big its structures are. */
bool answer_start(void);
/* Takes the next notification; NULL with errno when there is none (any more). It stays until the next call. */
struct seccomp_notif *answer_receive(int listener);
/* Whether the call still waits: also, that its process is the one that made it. */
bool answer_wanted(int listener, uint64_t id);
/* 0: the call succeeds with 0. False: the caller does not wait for it any more. */
bool answer_error(int listener, uint64_t id, int error);
/* The call returns this, which is not negative. */
void answer_value(int listener, uint64_t id, int64_t value);
/* The call returns a new descriptor of the caller for this file: `number`, or any for 0; `flags` are O_CLOEXEC or 0. 0, or why
   not: then it is not answered. */
int answer_descriptor(int listener, uint64_t id, int file, int number, int flags);
/* The call is interrupted: it gives EINTR or is made again, as the signal's action says. */
void answer_interrupt(int listener, uint64_t id);
/* The kernel makes the call: only where nothing that could still change can reach the outside. */
void answer_go_on(int listener, uint64_t id);

#endif
