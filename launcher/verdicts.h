/* Verdicts remembered where they are used. The warden knows no policy: it compares what the supervisor once judged
   (path and state of the caller's executable and of its ancestors'; the destination) with what it sees. */
#ifndef OPENSHELL_VERDICTS_H
#define OPENSHELL_VERDICTS_H

#include "caller.h"
#include "target.h"

struct verdict_key;

/* What a verdict about this call depends on; NULL where the caller cannot be told. Freed by whoever holds it. */
struct verdict_key *verdict_key_make(const struct caller *caller, pid_t top, const struct target *target, int domain);
/* Narrows the key to this socket as it is bound now: what was judged about it is known to others by its port. */
void verdict_key_bind(struct verdict_key *key, int file);
/* The address that was allowed for an equal key and still is, or NULL. The use is reported under the verdict's token, if that
   is not 0; `token` may be NULL. */
const struct target *verdicts_find(const struct verdict_key *key, pid_t pid, uint32_t *token);
/* Remembers for `ttl_ms`, and takes over `key`. */
void verdicts_keep(struct verdict_key *key, const struct target *address, uint32_t token, uint32_t ttl_ms);
/* A new policy: nothing that was judged counts any more. */
void verdicts_forget(void);
/* Reports the uses that were not reported yet; see denials_flush. */
int verdicts_flush(struct control *control, bool all);

#endif
