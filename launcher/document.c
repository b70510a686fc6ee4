#include "document.h"
#include <string.h>

struct header {
  uint32_t magic;
  uint32_t total;
  uint32_t sections;
  uint32_t blob_offset;
  uint32_t blob_length;
  uint32_t reserved;
};

struct section_entry {
  uint32_t kind;
  uint32_t count;
  uint32_t row_size;
  uint32_t offset;
};

static bool texts_hold(const struct section_layout *layout, const uint8_t *row, const uint8_t *blob,
                       uint32_t blob_length) {
  for (const uint32_t *at = layout->texts; *at != 0; at++) {
    struct text text;
    memcpy(&text, row + *at - 1, sizeof text);
    if (text.offset >= blob_length || text.length >= blob_length - text.offset) return false;
    if (memchr(blob + text.offset, 0, text.length) != NULL) return false;
    if (blob[text.offset + text.length] != 0) return false;
  }
  return true;
}

bool document_parse(struct document *document, const uint8_t *bytes, size_t length, enum section_kind single) {
  struct header header;
  memset(document, 0, sizeof *document);
  if (length < sizeof header || length > MAX_DOCUMENT) return false;
  memcpy(&header, bytes, sizeof header);
  if (header.magic != DOCUMENT_MAGIC || header.total != length || header.reserved != 0) return false;
  if (header.sections > SECTION_KINDS) return false;
  size_t table_end = sizeof header + header.sections * sizeof(struct section_entry);
  if (header.blob_offset < table_end || header.blob_offset > length || header.blob_length != length - header.blob_offset)
    return false;
  document->blob = bytes + header.blob_offset;

  for (uint32_t i = 0; i < header.sections; i++) {
    struct section_entry entry;
    memcpy(&entry, bytes + sizeof header + i * sizeof entry, sizeof entry);
    if (entry.kind == 0 || entry.kind >= SECTION_KINDS) return false;
    const struct section_layout *layout = &SECTION_LAYOUTS[entry.kind];
    if (layout->row_size == 0 || entry.row_size != layout->row_size) return false;
    if (entry.count == 0 || entry.count > layout->max_rows) return false;
    if (document->sections[entry.kind].count != 0) return false;
    if (entry.offset % 8 != 0 || entry.offset < table_end || entry.offset > header.blob_offset) return false;
    if (entry.count > (header.blob_offset - entry.offset) / entry.row_size) return false;
    for (uint32_t row = 0; row < entry.count; row++)
      if (!texts_hold(layout, bytes + entry.offset + (size_t)row * entry.row_size, document->blob, header.blob_length))
        return false;
    document->sections[entry.kind].rows = bytes + entry.offset;
    document->sections[entry.kind].count = entry.count;
  }
  return document->sections[single].count == 1;
}

bool launch_parse(struct document *plan, struct document *request, const uint8_t *bytes, size_t length) {
  uint32_t plan_length;
  if (length < 8) return false;
  memcpy(&plan_length, bytes, sizeof plan_length);
  if (plan_length > length - 8) return false;
  size_t request_at = (8 + (size_t)plan_length + 7) & ~(size_t)7;
  if (request_at > length || !document_parse(plan, bytes + 8, plan_length, SECTION_SETTINGS) ||
      !document_parse(request, bytes + request_at, length - request_at, SECTION_REQUEST))
    return false;
  const struct settings_row *settings = DOCUMENT_ROWS(plan, SECTION_SETTINGS, settings_row);
  return settings->inside_uid != 0 && settings->inside_gid != 0;
}

const char *document_text(const struct document *document, struct text text) {
  return (const char *)document->blob + text.offset;
}
