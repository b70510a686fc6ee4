#define _GNU_SOURCE
#include "verdicts.h"
#include "clock.h"
#include <stdlib.h>
#include <string.h>

#define SLOTS 1024
#define WAYS 4
#define MAX_USES 256
#define FLUSH_MS 100
#define MAX_IDENTITY 8192

struct verdict_key {
  size_t length; /* of the identity */
  struct target target;
  int domain; /* of the socket: the address that was allowed has its family */
  uint64_t cookie; /* of the socket, and its local address, where the verdict is about this one only */
  struct sockaddr_storage local;
  uint8_t identity[];
};

struct known {
  struct verdict_key *key;
  struct target address;
  uint32_t token;
  int64_t until_ms;
};

static struct known table[SLOTS];
static struct {
  uint32_t token;
  uint32_t pid;
} uses[MAX_USES];
static unsigned use_count;
static int64_t first_use_ms;
static bool overdue;

static size_t key_size(const struct verdict_key *key) { return sizeof *key + key->length; }

/* FNV-1a chooses a place only: keys are compared whole. */
static uint64_t place_of(const struct verdict_key *key) {
  uint64_t hash = 0xcbf29ce484222325u;
  const uint8_t *bytes = (const uint8_t *)key;
  for (size_t i = 0; i < key_size(key); i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash % (SLOTS / WAYS) * WAYS;
}

static bool equal(const struct verdict_key *a, const struct verdict_key *b) {
  return a->length == b->length && memcmp(a, b, key_size(a)) == 0;
}

struct verdict_key *verdict_key_make(const struct caller *caller, pid_t top, const struct target *target, int domain) {
  uint8_t identity[MAX_IDENTITY];
  size_t length = caller_identify(caller, top, identity, sizeof identity);
  struct verdict_key *key = length == 0 ? NULL : calloc(1, sizeof *key + length);
  if (key == NULL) return NULL;
  key->length = length;
  key->target = *target;
  key->domain = domain;
  memcpy(key->identity, identity, length);
  return key;
}

void verdict_key_bind(struct verdict_key *key, int file) {
  socklen_t length = sizeof key->cookie;
  if (getsockopt(file, SOL_SOCKET, SO_COOKIE, &key->cookie, &length) < 0) key->cookie = 0;
  length = sizeof key->local;
  if (getsockname(file, (struct sockaddr *)&key->local, &length) < 0) memset(&key->local, 0, sizeof key->local);
}

static void count_use(uint32_t token, pid_t pid) {
  if (use_count == 0) first_use_ms = now_ms();
  uses[use_count].token = token;
  uses[use_count].pid = (uint32_t)pid;
  if (++use_count == MAX_USES) overdue = true;
}

const struct target *verdicts_find(const struct verdict_key *key, pid_t pid, uint32_t *token) {
  if (key == NULL || use_count == MAX_USES) return NULL;
  uint64_t place = place_of(key);
  for (unsigned i = 0; i < WAYS; i++) {
    struct known *verdict = &table[place + i];
    if (verdict->key == NULL || !equal(verdict->key, key)) continue;
    if (now_ms() >= verdict->until_ms) {
      free(verdict->key);
      verdict->key = NULL;
      return NULL;
    }
    if (verdict->token != 0) count_use(verdict->token, pid);
    if (token != NULL) *token = verdict->token;
    return &verdict->address;
  }
  return NULL;
}

void verdicts_keep(struct verdict_key *key, const struct target *address, uint32_t token, uint32_t ttl_ms) {
  struct known *slot = &table[place_of(key)];
  for (unsigned i = 0; i < WAYS; i++) {
    struct known *verdict = &table[place_of(key) + i];
    if (verdict->key == NULL || equal(verdict->key, key)) {
      slot = verdict;
      break;
    }
    if (verdict->until_ms < slot->until_ms) slot = verdict;
  }
  free(slot->key);
  *slot = (struct known){.key = key, .address = *address, .token = token, .until_ms = now_ms() + ttl_ms};
}

void verdicts_forget(void) {
  for (unsigned i = 0; i < SLOTS; i++) {
    free(table[i].key);
    table[i].key = NULL;
  }
}

int verdicts_flush(struct control *control, bool all) {
  if (use_count == 0) return -1;
  int64_t left = first_use_ms + FLUSH_MS - now_ms();
  if (!all && !overdue && left > 0) return (int)left;
  struct frame frame;
  control_begin(&frame, REPORT_REUSED);
  frame_u32(&frame, use_count);
  for (unsigned i = 0; i < use_count; i++) {
    frame_u32(&frame, uses[i].token);
    frame_u32(&frame, uses[i].pid);
  }
  if (!control_send(control, &frame)) return FLUSH_MS; /* no room; until there is, the supervisor is asked each time */
  use_count = 0;
  overdue = false;
  return -1;
}
