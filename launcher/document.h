/* The decoder of the binary plan: everything that it hands out lies inside the bytes that it was given. */
#ifndef OPENSHELL_DOCUMENT_H
#define OPENSHELL_DOCUMENT_H

#include "gen/wire.h"
#include <stdbool.h>

struct document {
  const uint8_t *blob;
  struct {
    const void *rows;
    uint32_t count;
  } sections[SECTION_KINDS];
};

/* `bytes` must be aligned to 8 and live as long as `document`. False: it is not a well-formed document, or has not
   exactly one row in section `single`. */
bool document_parse(struct document *document, const uint8_t *bytes, size_t length, enum section_kind single);

/* The payload of a launch frame: the length of the plan (u32, padded to 8), the plan, the request at the next multiple of
   8. Both point into `bytes`. */
bool launch_parse(struct document *plan, struct document *request, const uint8_t *bytes, size_t length);

/* A string of a parsed document, with its NUL. */
const char *document_text(const struct document *document, struct text text);

#define DOCUMENT_ROWS(document, kind, type) ((const struct type *)(document)->sections[kind].rows)
#define DOCUMENT_COUNT(document, kind) ((document)->sections[kind].count)

#endif
