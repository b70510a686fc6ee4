#define _GNU_SOURCE
#include "keeping.h"
#include "control.h"
#include "ledger.h"
#include "verdicts.h"
#include <string.h>

bool keep_only(const struct mediator *mediator, const uint8_t *payload, size_t length) {
  static uint32_t tokens[MAX_KEPT];
  uint32_t generation;
  struct frame frame;
  /* A list that is cut short would end too much, one that is none says nothing: neither comes from our supervisor. */
  if (mediator->control == NULL || length < sizeof generation || length - sizeof generation > sizeof tokens) return false;
  memcpy(&generation, payload, sizeof generation);
  memcpy(tokens, payload + sizeof generation, length - sizeof generation);
  verdicts_flush(mediator->control, true);
  verdicts_forget();
  struct ledger_outcome outcome = ledger_keep_only(mediator, tokens, (length - sizeof generation) / sizeof *tokens);
  control_begin(&frame, REPORT_KEPT);
  frame_u32(&frame, generation);
  frame_u32(&frame, outcome.closed);
  frame_u32(&frame, outcome.killed);
  frame_u32(&frame, outcome.surviving);
  control_send(mediator->control, &frame);
  return outcome.surviving == 0;
}
