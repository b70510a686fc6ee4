/* Restrictions that a process puts on itself, in the order in which init applies them. */
#ifndef OPENSHELL_CONFINE_H
#define OPENSHELL_CONFINE_H

#include "document.h"
#include "step.h"

/* Limits that stand above what the user has count its processes of now. */
bool confine_rlimits(const struct document *plan, struct failure *failure);
/* Empties the bounding (who may not change it keeps it, of no use under no_new_privs), ambient, inheritable, permitted and effective sets; sets no_new_privs. */
bool confine_privileges(struct failure *failure);
/* `scratch`: where the relative paths of the plan begin. `terminal`: one more file that may be opened, or -1. */
bool confine_landlock(const struct document *plan, const char *scratch, int terminal, struct failure *failure);
/* The same in two steps: the rules, which another process may make before the program can change what stands at their names (-1:
   they could not be made), and the restriction. */
int confine_ruleset(const struct document *plan, const char *scratch, int terminal, struct failure *failure);
bool confine_by(int ruleset);
/* What a row is about, O_PATH; -1 with errno. */
int confine_open_row(const struct document *plan, const struct landlock_row *row, const char *scratch);
/* Loads the filter; returns its listener, or -1. `*killable`: notified calls can be interrupted only by fatal signals. */
int confine_seccomp(const struct document *plan, bool *killable, struct failure *failure);

/* The ABI of the running kernel, 0 where Landlock is absent or off. */
int landlock_abi(void);

#endif
