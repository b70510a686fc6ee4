/* The process outside: makes the sandbox, holds the seccomp listener, answers for the supervisor, ends everything. */
#ifndef OPENSHELL_WARDEN_H
#define OPENSHELL_WARDEN_H

/* Descriptors that the supervisor gives it besides 0, 1 and 2. */
#define WARDEN_CONTROL 3
#define WARDEN_CHANNEL 4

int warden_main(void);

#endif
