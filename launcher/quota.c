#define _GNU_SOURCE
#include "quota.h"
#include "clock.h"
#include "tree.h"
#include "usage.h"
#include <signal.h>

#define EACH_MS 200

static int64_t next_ms;

static void report(struct control *control, enum limit limit, uint64_t value, pid_t init) {
  struct frame frame;
  control_begin(&frame, REPORT_LIMIT);
  frame_u32(&frame, limit);
  frame_u64(&frame, value);
  control_send(control, &frame);
  kill(init, SIGKILL);
  next_ms = INT64_MAX;
}

int quota_check(struct control *control, const struct settings_row *settings, pid_t init) {
  bool sums = settings->memory_bytes != 0 || settings->cpu_ms != 0;
  if ((!sums && settings->processes == 0) || next_ms == INT64_MAX) return -1;
  int64_t now = now_ms();
  if (now < next_ms) return (int)(next_ms - now);
  struct usage usage = sums ? usage_count(init) : (struct usage){0};
  unsigned tasks = settings->processes == 0 ? 0 : tree_tasks(init);
  next_ms = now_ms() + EACH_MS;
  if (settings->memory_bytes != 0 && usage.memory_bytes > settings->memory_bytes) report(control, LIMIT_MEMORY, usage.memory_bytes, init);
  else if (settings->cpu_ms != 0 && usage.cpu_ms > settings->cpu_ms) report(control, LIMIT_CPU, usage.cpu_ms, init);
  else if (tasks > settings->processes) report(control, LIMIT_PROCESSES, tasks, init);
  return EACH_MS;
}
