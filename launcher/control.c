#define _GNU_SOURCE
#include "control.h"
#include "clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 8
/* The biggest command after the launch carries a datagram; a bigger one is a broken supervisor. */
#define MAX_COMMAND 66000
/* So much may wait until nothing new is begun. */
#define MUCH_QUEUED (1u << 20)
/* What was begun before does not add up to this. */
#define MAX_QUEUED (16u << 20)

static bool read_exactly(int fd, uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t got = read(fd, bytes, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    length -= (size_t)got;
  }
  return true;
}

static void parse_header(const uint8_t *bytes, uint32_t *length, uint32_t *type) {
  memcpy(length, bytes, 4);
  memcpy(type, bytes + 4, 4);
}

bool control_read_header(const struct control *control, uint32_t *type, uint32_t *length) {
  uint8_t header[HEADER];
  if (!read_exactly(control->fd, header, sizeof header)) return false;
  parse_header(header, length, type);
  return true;
}

bool control_read_payload(const struct control *control, void *bytes, uint32_t length) {
  return read_exactly(control->fd, bytes, length);
}

bool control_start(struct control *control) {
  control->in_capacity = 2 * (MAX_COMMAND + HEADER);
  control->in = malloc(control->in_capacity);
  return control->in != NULL && fcntl(control->fd, F_SETFL, O_NONBLOCK) == 0;
}

bool control_fill(struct control *control) {
  while (control->in_length < control->in_capacity) {
    ssize_t got = read(control->fd, control->in + control->in_length, control->in_capacity - control->in_length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    control->in_length += (size_t)got;
  }
  return true;
}

bool control_next(struct control *control, uint32_t *type, const uint8_t **payload, size_t *length) {
  static uint8_t frame[MAX_COMMAND];
  uint32_t size;
  if (control->in_length < HEADER) return false;
  parse_header(control->in, &size, type);
  if (size > MAX_COMMAND) {
    *type = COMMAND_KILL;
    size = 0;
    control->in_length = HEADER;
  }
  if (control->in_length < HEADER + size) return false;
  memcpy(frame, control->in + HEADER, size);
  control->in_length -= HEADER + size;
  memmove(control->in, control->in + HEADER + size, control->in_length);
  *payload = frame;
  *length = size;
  return true;
}

void control_begin(struct frame *frame, enum report type) {
  static uint8_t buffer[HEADER + MAX_FRAME];
  uint32_t kind = type;
  frame->bytes = buffer;
  frame->length = HEADER;
  frame->overflow = false;
  memcpy(buffer + 4, &kind, 4);
}

static void append(struct frame *frame, const void *bytes, size_t length) {
  if (frame->overflow || length > HEADER + MAX_FRAME - frame->length) {
    frame->overflow = true;
    return;
  }
  memcpy(frame->bytes + frame->length, bytes, length);
  frame->length += length;
}

void frame_u32(struct frame *frame, uint32_t value) { append(frame, &value, sizeof value); }
void frame_u64(struct frame *frame, uint64_t value) { append(frame, &value, sizeof value); }
void frame_bytes(struct frame *frame, const void *bytes, size_t length) {
  frame_u32(frame, (uint32_t)length);
  append(frame, bytes, length);
}

bool control_flush(struct control *control) {
  while (control->out_length > 0) {
    ssize_t written = write(control->fd, control->out, control->out_length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno == EAGAIN;
    control->out_length -= (size_t)written;
    memmove(control->out, control->out + written, control->out_length);
  }
  return true;
}

bool control_send(struct control *control, struct frame *frame) {
  if (frame->overflow) return false;
  uint32_t size = (uint32_t)(frame->length - HEADER);
  memcpy(frame->bytes, &size, 4);
  if (control->out_length + frame->length > control->out_capacity) {
    size_t capacity = control->out_capacity == 0 ? 8192 : control->out_capacity;
    while (capacity < control->out_length + frame->length) capacity *= 2;
    if (capacity > MAX_QUEUED) return false;
    uint8_t *bytes = realloc(control->out, capacity);
    if (bytes == NULL) return false;
    control->out = bytes;
    control->out_capacity = capacity;
  }
  memcpy(control->out + control->out_length, frame->bytes, frame->length);
  control->out_length += frame->length;
  return control_flush(control);
}

bool control_has_room(const struct control *control) { return control->out_length < MAX_QUEUED / 2; }

bool control_behind(const struct control *control) { return control->out_length > MUCH_QUEUED; }

/* False: there is nothing to wait for any more. */
static bool wait_until(const struct control *control, short events, int64_t end_ms) {
  struct pollfd wait = {.fd = control->fd, .events = events};
  int64_t left = end_ms - now_ms();
  int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
  return ready > 0 || (ready < 0 && errno == EINTR);
}

void control_end(struct control *control, int timeout_ms) {
  int64_t end_ms = now_ms() + timeout_ms;
  uint8_t nobody_obeys[4096];
  while (control->out_length > 0)
    if (!wait_until(control, POLLOUT, end_ms) || !control_flush(control)) return;
  shutdown(control->fd, SHUT_WR);
  while (wait_until(control, POLLIN, end_ms)) {
    ssize_t got = read(control->fd, nobody_obeys, sizeof nobody_obeys);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return;
  }
}
