/* Asks the supervisor about a destination; the caller sleeps until the verdict. */
#ifndef OPENSHELL_QUESTION_H
#define OPENSHELL_QUESTION_H

#include "place.h"
#include "waiting.h"

void ask_about(const struct mediator *mediator, struct waiting *waiting, const struct place *place);

#endif
