/* A fuzzer of the plan decoder (libFuzzer): whatever bytes come, what it hands out lies inside them and is a string. */
#include "document.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Sets the words of a header that say how long things are, as they must be: else hardly a change gets past them. */
static void mend(uint8_t *document, uint32_t length) {
  uint32_t header[6];
  if (length < sizeof header) return;
  memcpy(header, document, sizeof header);
  header[0] = DOCUMENT_MAGIC;
  header[1] = length;
  header[4] = header[3] <= length ? length - header[3] : 0;
  header[5] = 0;
  memcpy(document, header, sizeof header);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
  uint32_t plan_length;
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 == 0 || size < 8) return size;
  memcpy(&plan_length, data, sizeof plan_length);
  if (plan_length > size - 8) return size;
  size_t request_at = (8 + (size_t)plan_length + 7) & ~(size_t)7;
  mend(data + 8, plan_length);
  if (request_at < size) mend(data + request_at, (uint32_t)(size - request_at));
  return size;
}

static void walk(const struct document *document, size_t *sum) {
  for (uint32_t kind = 1; kind < SECTION_KINDS; kind++) {
    const struct section_layout *layout = &SECTION_LAYOUTS[kind];
    const uint8_t *rows = document->sections[kind].rows;
    if (document->sections[kind].count > layout->max_rows) abort();
    for (uint32_t i = 0; i < document->sections[kind].count; i++) {
      const uint8_t *row = rows + (size_t)i * layout->row_size;
      for (uint32_t byte = 0; byte < layout->row_size; byte++) *sum += row[byte];
      for (const uint32_t *at = layout->texts; *at != 0; at++) {
        struct text text;
        memcpy(&text, row + *at - 1, sizeof text);
        if (strlen(document_text(document, text)) != text.length) abort();
      }
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct document plan;
  struct document request;
  size_t sum = 0;
  /* malloc gives an alignment of 16, as the launcher's own memory has. */
  uint8_t *exact = malloc(size == 0 ? 1 : size);
  if (exact == NULL) return 0;
  memcpy(exact, data, size);
  if (launch_parse(&plan, &request, exact, size)) {
    const struct settings_row *settings = DOCUMENT_ROWS(&plan, SECTION_SETTINGS, settings_row);
    if (DOCUMENT_COUNT(&plan, SECTION_SETTINGS) != 1 || DOCUMENT_COUNT(&request, SECTION_REQUEST) != 1) abort();
    if (settings->inside_uid == 0 || settings->inside_gid == 0) abort();
    walk(&plan, &sum);
    walk(&request, &sum);
  }
  if (document_parse(&plan, exact, size, SECTION_SETTINGS)) walk(&plan, &sum);
  free(exact);
  volatile size_t kept = sum; /* so that no read is left out */
  (void)kept;
  return 0;
}
