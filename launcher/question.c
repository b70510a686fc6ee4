#define _GNU_SOURCE
#include "question.h"
#include "answer.h"
#include "control.h"
#include <errno.h>

void ask_about(const struct mediator *mediator, struct waiting *waiting, const struct place *place) {
  struct frame frame;
  control_begin(&frame, REPORT_OPEN);
  frame_u64(&frame, waiting->id);
  frame_u32(&frame, waiting->sending ? OPENING_SEND : OPENING_CONNECT);
  frame_u32(&frame, (uint32_t)waiting->type);
  frame_bytes(&frame, place->address, place->length);
  frame_u32(&frame, place->port);
  caller_describe(&waiting->caller, mediator->top, &frame);
  if (!answer_wanted(mediator->listener, waiting->id) || !control_send(mediator->control, &frame))
    waiting_finish(mediator, waiting, EACCES);
}
