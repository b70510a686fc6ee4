/* The control socket between the warden and the supervisor: frames of `u32 length, u32 type, payload`. */
#ifndef OPENSHELL_CONTROL_H
#define OPENSHELL_CONTROL_H

#include "gen/wire.h"
#include <stdbool.h>
#include <stddef.h>

/* A frame under construction. Texts that would not fit end it in `overflow`, and it is not sent. */
struct frame {
  uint8_t *bytes;
  size_t length;
  bool overflow;
};

struct control {
  int fd;
  uint8_t *in;
  size_t in_length;
  size_t in_capacity;
  uint8_t *out;
  size_t out_length;
  size_t out_capacity;
};

/* Blocks for the header of the next frame, then for its payload: for the frames before the program is started. */
bool control_read_header(const struct control *control, uint32_t *type, uint32_t *length);
bool control_read_payload(const struct control *control, void *bytes, uint32_t length);
/* From here on the socket does not block. */
bool control_start(struct control *control);

/* Reads what is there. False: the supervisor is gone or broke the framing. */
bool control_fill(struct control *control);
/* The next whole frame among what was read; its payload stays valid until the next call. */
bool control_next(struct control *control, uint32_t *type, const uint8_t **payload, size_t *length);

/* Queues a frame, and writes as much as the socket takes. */
void control_begin(struct frame *frame, enum report type);
void frame_u32(struct frame *frame, uint32_t value);
void frame_u64(struct frame *frame, uint64_t value);
void frame_bytes(struct frame *frame, const void *bytes, size_t length);
bool control_send(struct control *control, struct frame *frame);
bool control_flush(struct control *control);
/* Whether there is room for what may be lost: the rest of it is for reports, which may not. */
bool control_has_room(const struct control *control);
/* Whether the supervisor has so much to read that nothing should be begun which it must be told about. */
bool control_behind(const struct control *control);
/* The last use: writes all that is queued, says that no more comes, and waits until the supervisor has heard it, `timeout_ms`
   at most for all. Whoever writes to a socket that is closed at the other end does not read what still lies in it. */
void control_end(struct control *control, int timeout_ms);

#endif
