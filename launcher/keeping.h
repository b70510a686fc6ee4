/* Another policy holds: what was judged by earlier ones is forgotten, and what stands by it ended. */
#ifndef OPENSHELL_KEEPING_H
#define OPENSHELL_KEEPING_H

#include "mediator.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `u32 generation, u32 tokens[]`: only what stands by these verdicts goes on. Reports what came of it. False: some could not
   be ended, so that the sandbox has to be. */
bool keep_only(const struct mediator *mediator, const uint8_t *payload, size_t length);

#endif
