#define _GNU_SOURCE
#include "namespaces.h"
#include "gen/wire.h"
#include "sys.h"
#include <stddef.h>

unsigned long namespaces_clone_flags(uint32_t namespaces) {
  static const struct {
    uint32_t bit;
    unsigned long flag;
  } table[] = {{NAMESPACE_USER, CLONE_NEWUSER}, {NAMESPACE_MOUNT, CLONE_NEWNS},   {NAMESPACE_PID, CLONE_NEWPID},
               {NAMESPACE_IPC, CLONE_NEWIPC},   {NAMESPACE_UTS, CLONE_NEWUTS},    {NAMESPACE_CGROUP, CLONE_NEWCGROUP},
               {NAMESPACE_NETWORK, CLONE_NEWNET}};
  unsigned long flags = 0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (namespaces & table[i].bit) flags |= table[i].flag;
  return flags;
}
