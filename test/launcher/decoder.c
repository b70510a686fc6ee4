/* Decodes launch payloads with the launcher's own decoder and prints what it found. Standard input holds payloads, each
   behind its length (u32, little-endian). For each: `refused`, or one line for each row and then `taken`. Every payload
   lies in memory of exactly its size, so that a sanitizer sees a step outside. */
#include "document.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_text(const struct document *document, struct text text) {
  const char *value = document_text(document, text);
  if (strlen(value) != text.length) abort();
  putchar(' ');
  for (; *value != 0; value++) printf("%02x", (unsigned char)*value);
  putchar('.');
}

static void print_number(uint64_t value) { printf(" %" PRIu64, value); }

#define ROWS(kind, type, statements)                                                      \
  for (uint32_t i = 0; i < DOCUMENT_COUNT(document, kind); i++) {                         \
    const struct type *row = &DOCUMENT_ROWS(document, kind, type)[i];                     \
    printf(#type);                                                                        \
    statements;                                                                           \
    putchar('\n');                                                                        \
  }
#define N(field) print_number(row->field);
#define T(field) print_text(document, row->field);

static void print_document(const struct document *document) {
  ROWS(SECTION_SETTINGS, settings_row,
       N(audit_arch) N(namespaces) N(inside_uid) N(inside_gid) N(host_kind) N(host_uid) N(host_gid) N(landlock_abi)
       N(handled_fs) N(handled_net) N(scoped) N(memory_bytes) N(cpu_ms) N(private_bytes) T(hostname) T(workdir)
       N(proxy_port) N(datagrams) N(platform) N(network_held) N(processes)
       N(unobservable_rule))
  ROWS(SECTION_MOUNT, mount_row, N(kind) N(flags) T(source) T(target) N(mode) N(owner_uid) N(owner_gid) N(pad))
  ROWS(SECTION_LANDLOCK, landlock_row, T(path) N(access))
  ROWS(SECTION_INSTRUCTION, instruction_row, N(code) N(jt) N(jf) N(k))
  ROWS(SECTION_NOTIFY, notify_row,
       N(arch) N(nr) N(handler) N(errno_value) N(rule) N(match) N(thread) N(questions) N(arg_index) N(arg_mask)
       N(arg_value) N(arg2_index) N(arg2_mask) N(arg2_value) N(arg3_index) N(arg3_mask) N(arg3_value) N(pad))
  ROWS(SECTION_RLIMIT, rlimit_row, N(resource) N(above) N(soft) N(hard))
  ROWS(SECTION_ARGUMENT, argument_row, T(text))
  ROWS(SECTION_ENVIRONMENT, environment_row, T(text))
  ROWS(SECTION_REQUEST, request_row, T(search_path) T(cgroup) T(scratch) N(flags) N(pad))
}

int main(void) {
  uint32_t length;
  while (fread(&length, sizeof length, 1, stdin) == 1) {
    struct document plan;
    struct document request;
    uint8_t *exact = malloc(length == 0 ? 1 : length);
    if (exact == NULL || fread(exact, 1, length, stdin) != length) return 1;
    if (launch_parse(&plan, &request, exact, length)) {
      print_document(&plan);
      print_document(&request);
      puts("taken");
    } else {
      puts("refused");
    }
    free(exact);
  }
  return 0;
}
