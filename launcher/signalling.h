/* Signals of a sandbox that neither a pid namespace nor a Landlock scope holds (before Linux 6.12): the warden sends them, to
   processes of the sandbox only. */
#ifndef OPENSHELL_SIGNALLING_H
#define OPENSHELL_SIGNALLING_H

#include "caller.h"
#include "mediator.h"
#include <linux/seccomp.h>

/* kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo. 0 after the call was answered; EPERM when it is to be refused. */
int signal_for(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call);

#endif
