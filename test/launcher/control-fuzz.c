/* A fuzzer of the control socket (libFuzzer): whatever the supervisor writes, in whatever pieces, comes out as a reader of the
   whole stream would cut it; whatever was queued arrives whole and in order, however slowly it is read. */
#define _GNU_SOURCE
#include "control.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 8
#define LONGEST_COMMAND 66000
#define STEPS 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was written to the launcher, and how much of it came out. */
static uint8_t written[1 << 18];
static size_t written_length;
static size_t taken;
static bool broken;
/* What the launcher queued, and how much of it was read. */
static uint8_t *queued;
static size_t queued_length;
static size_t heard;

static void want(bool truth) {
  if (!truth) abort();
}

static uint32_t word(const uint8_t *bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static void take_frames(struct control *control) {
  uint32_t type;
  const uint8_t *payload;
  size_t length;
  want(control_fill(control));
  want(control->in_length <= control->in_capacity);
  while (!broken && control_next(control, &type, &payload, &length)) {
    want(written_length - taken >= HEADER);
    uint32_t said = word(written + taken);
    if (said > LONGEST_COMMAND) {
      want(type == COMMAND_KILL && length == 0);
      broken = true; /* there are no frames behind it */
      return;
    }
    want(length == said && type == word(written + taken + 4) && written_length - taken >= HEADER + length);
    want(memcmp(payload, written + taken + HEADER, length) == 0);
    taken += HEADER + length;
  }
  /* Nothing whole is left lying, or nobody would come for it. */
  size_t rest = written_length - taken;
  want(broken || rest < HEADER || (word(written + taken) <= LONGEST_COMMAND && rest < HEADER + word(written + taken)));
}

static void queue_frame(struct control *control, uint32_t type, size_t length, uint8_t fill) {
  static uint8_t bytes[MAX_FRAME + 16];
  struct frame frame;
  memset(bytes, fill, length);
  control_begin(&frame, (enum report)type);
  frame_u32(&frame, fill);
  frame_bytes(&frame, bytes, length);
  bool fits = 8 + length <= MAX_FRAME;
  want(frame.overflow == !fits);
  if (!control_send(control, &frame)) {
    want(!fits || control->out_length + HEADER + 8 + length > (8u << 20)); /* room for half of the bound at least */
    return;
  }
  want(fits);
  uint32_t header[4] = {(uint32_t)length + 8, type, fill, (uint32_t)length};
  queued = realloc(queued, queued_length + sizeof header + length);
  want(queued != NULL);
  memcpy(queued + queued_length, header, sizeof header);
  memcpy(queued + queued_length + sizeof header, bytes, length);
  queued_length += sizeof header + length;
}

static void hear(int fd, size_t most) {
  static uint8_t bytes[1 << 16];
  ssize_t got = recv(fd, bytes, most < sizeof bytes ? most : sizeof bytes, MSG_DONTWAIT);
  if (got <= 0) return;
  want((size_t)got <= queued_length - heard && memcmp(bytes, queued + heard, (size_t)got) == 0);
  heard += (size_t)got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int pair[2];
  want(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  struct control control = {.fd = pair[0]};
  want(control_start(&control));
  written_length = taken = queued_length = heard = 0;
  broken = false;
  const uint8_t *end = data + size;
  for (int step = 0; step < STEPS && end - data >= 4; step++) {
    uint8_t what = data[0];
    size_t amount = (size_t)data[1] | (size_t)data[2] << 8;
    uint8_t more = data[3];
    data += 4;
    if (what % 3 == 0) {
      if (amount > (size_t)(end - data)) amount = (size_t)(end - data);
      if (broken || amount > sizeof written - written_length) continue;
      want(send(pair[1], data, amount, 0) == (ssize_t)amount);
      memcpy(written + written_length, data, amount);
      written_length += amount;
      data += amount;
      /* A fill takes no more than its room: the socket stays readable, and there is a next one. */
      for (size_t times = 0; times <= amount / LONGEST_COMMAND + 1; times++) take_frames(&control);
    } else if (what % 3 == 1) {
      queue_frame(&control, more % 10, amount * (size_t)(more % 5) % (MAX_FRAME + 16), more);
    } else {
      hear(pair[1], amount);
      want(control_flush(&control));
    }
  }
  while (control.out_length > 0 || heard < queued_length) {
    hear(pair[1], sizeof written);
    want(control_flush(&control));
  }
  close(pair[1]);
  want(!control_fill(&control) || control.in_length == control.in_capacity);
  close(pair[0]);
  free(control.in);
  free(control.out);
  free(queued);
  queued = NULL;
  return 0;
}
