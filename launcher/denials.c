#define _GNU_SOURCE
#include "denials.h"
#include "answer.h"
#include "clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64
#define PERIOD_MS 1000

/* One frame without its header, kept until its second is over. */
struct denial {
  uint32_t rule;
  uint32_t arch;
  int nr;
  uint64_t device;
  uint64_t inode;
  int64_t since_ms;
  uint32_t count;
  uint8_t *payload;
  size_t length;
};

static struct denial table[SLOTS];
static unsigned used;

/* False: there is no room for it now, and it is kept. */
static bool report(struct control *control, unsigned slot) {
  struct denial *denial = &table[slot];
  struct frame frame;
  control_begin(&frame, REPORT_DENIED);
  frame_u32(&frame, denial->count);
  size_t start = frame.length;
  if (denial->length <= MAX_FRAME - start) {
    memcpy(frame.bytes + start, denial->payload, denial->length);
    frame.length += denial->length;
    if (!control_send(control, &frame)) {
      denial->since_ms = now_ms();
      return false;
    }
  }
  free(denial->payload);
  table[slot] = table[--used];
  return true;
}

void denials_add(struct control *control, const struct caller *caller, pid_t top, const struct seccomp_data *data,
                 uint32_t rule, uint32_t error) {
  uint64_t device;
  uint64_t inode;
  caller_executable(caller, &device, &inode);
  for (unsigned i = 0; i < used; i++) {
    struct denial *denial = &table[i];
    if (denial->rule == rule && denial->nr == data->nr && denial->arch == data->arch && denial->device == device &&
        denial->inode == inode) {
      denial->count++;
      return;
    }
  }
  if (used == SLOTS && !report(control, 0)) return;
  struct frame frame;
  control_begin(&frame, REPORT_DENIED);
  size_t start = frame.length;
  frame_u32(&frame, rule);
  frame_u32(&frame, error);
  frame_u32(&frame, data->arch);
  frame_u32(&frame, (uint32_t)data->nr);
  for (int i = 0; i < 6; i++) frame_u64(&frame, data->args[i]);
  caller_describe(caller, top, &frame);
  if (frame.overflow) return;
  struct denial *denial = &table[used];
  *denial = (struct denial){.rule = rule, .arch = data->arch, .nr = data->nr, .device = device, .inode = inode,
                            .since_ms = now_ms(), .count = 1, .length = frame.length - start};
  denial->payload = malloc(denial->length);
  if (denial->payload == NULL) return;
  memcpy(denial->payload, frame.bytes + start, denial->length);
  used++;
}

int denials_flush(struct control *control, bool all) {
  int64_t now = now_ms();
  int64_t next = -1;
  for (unsigned i = 0; i < used;) {
    int64_t left = table[i].since_ms + PERIOD_MS - now;
    if ((all || left <= 0) && report(control, i)) continue;
    left = table[i].since_ms + PERIOD_MS - now;
    if (next < 0 || left < next) next = left;
    i++;
  }
  return (int)next;
}

void denials_unobservable(const struct mediator *mediator, const struct caller *caller, const struct seccomp_notif *call) {
  denials_add(mediator->control, caller, mediator->top, &call->data, mediator->settings->unobservable_rule, EACCES);
  answer_error(mediator->listener, call->id, EACCES);
}
