/** Bounds of the policy DNS. docs/limits.md lists them; a test compares. */
export const NAME_LIMITS = {
  /** Bytes of a query: the longest name and EDNS options fit, and no resolver library sends more. */
  queryBytes: 1232,
  /** Queries of one sandbox that are being answered. */
  answering: 64,
  /** Seconds that an answer may be kept, and that the addresses of a name are. */
  ttlSeconds: 30,
  /** Names whose addresses are kept. */
  knownNames: 1024,
  /** Names whose addresses are frozen under `dns: {pin: start}`. */
  frozenNames: 8192,
  /** Addresses in one answer. */
  addressesInAnswer: 16,
  /** Synthetic addresses of one sandbox. */
  syntheticAddresses: 16_384,
  /** Characters of a label of a name that only a pattern lists. */
  patternLabel: 40,
  /** Characters of such a name. */
  patternName: 128,
  /** New names under patterns, per second. */
  newNamesPerSecond: 5,
  /** New names under patterns, in one go. */
  newNamesAtOnce: 50,
  /** TCP connections to the policy DNS. */
  dnsConnections: 32,
  /** Milliseconds that such a connection may be idle. */
  dnsIdleMs: 10_000,
} as const;

export type NameLimits = { readonly [K in keyof typeof NAME_LIMITS]: number };
