/* Answers seccomp notifications. Nothing here knows the policy: rows of the plan say which handler a call has, and the
   supervisor says what happens to a destination. Connect, bind and listen are always done here, on the file that was
   taken from the caller, never by letting the caller's own call go on (decided once, a second thread could change it). */
#ifndef OPENSHELL_MEDIATE_H
#define OPENSHELL_MEDIATE_H

#include "mediator.h"

bool mediate_start(struct mediator *mediator);
/* Takes one notification and answers it, or leaves it waiting. False: the listener is of no more use. */
bool mediate_receive(struct mediator *mediator);

#endif
