/** The Go toolchain: the newest place first, since that of a distribution is often too old for what is built. */
import { existsSync } from 'node:fs';

/** Undefined: there is none. */
export const GO = ['/usr/local/go/bin/go', '/usr/bin/go', '/usr/lib/go/bin/go'].find((path) =>
  existsSync(path),
);
