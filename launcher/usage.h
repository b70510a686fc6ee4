/* What the sandbox uses, counted from outside where no cgroup holds it. */
#ifndef OPENSHELL_USAGE_H
#define OPENSHELL_USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct usage {
  uint64_t memory_bytes; /* private and shared anonymous memory, shared parts divided among their users, and swap */
  uint64_t cpu_ms;       /* of all processes, the ended ones too */
};

/* Sums over `top` and all its descendants. */
struct usage usage_count(pid_t top);

#endif
