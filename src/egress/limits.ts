/** Bounds of name resolution, dialling and identification. docs/limits.md lists them; a test compares. */
export const EGRESS_LIMITS = {
  /** How long one name may take to resolve, waiting for a slot included. */
  resolveMs: 10_000,
  /** getaddrinfo(3) calls at once: each holds a thread of the pool that file access needs too. */
  resolving: 2,
  /** Lookups that may wait for a slot. */
  resolveQueue: 256,
  /** Addresses of a name that are tried; all of them are checked. */
  addresses: 16,
  /** When the next address is tried beside one that has not answered. */
  staggerMs: 250,
  /** How long a connection may take to be made, all addresses together. */
  dialMs: 30_000,
  /** Files hashed at once. */
  hashing: 2,
  /** Hashes that may wait for a slot. */
  hashQueue: 1024,
  /** Bytes read and hashed in one go; the event loop is free in between. */
  hashChunk: 256 * 1024,
  /** Bytes of the largest executable that is hashed. */
  executableBytes: 2 * 1024 ** 3,
  /** Hashes remembered by file, for all sandboxes together; the least recently used is forgotten. */
  rememberedHashes: 4096,
  /** Paths whose first content one sandbox remembers; further paths get no network. */
  pinnedPaths: 16_384,
  /** Ancestors of a process that are looked at. */
  ancestors: 64,
} as const;

export type EgressLimits = { readonly [K in keyof typeof EGRESS_LIMITS]: number };
