/** Bounds of guardrails, for each sandbox (docs/limits.md). Times are in milliseconds, sizes in bytes. */
export const GUARD_LIMITS = {
  /** One evaluation of a compiled guardrail; then its thread is ended. */
  evaluationMs: 1000,
  /** Loading a compiled guardrail. */
  startMs: 20_000,
  /** One answer of an OPA server, waiting included. */
  serverMs: 2000,
  /** Questions that wait for an answer. */
  waiting: 1024,
  /** Connections to an OPA server at once. */
  serverConnections: 16,
  /** One question, as JSON. */
  inputBytes: 1024 * 1024,
  /** One answer of an OPA server. */
  answerBytes: 64 * 1024,
  /** Memory of a compiled guardrail, in pages of 65536 bytes. */
  memoryPages: 1024,
  /** A bundle, as it is read. */
  bundleBytes: 32 * 1024 * 1024,
  /** The same, unpacked. */
  unpackedBytes: 128 * 1024 * 1024,
  /** Characters of what a guardrail says about a refusal. */
  detailLength: 500,
} as const;

export type GuardLimits = { readonly [K in keyof typeof GUARD_LIMITS]: number };
