/** Bounds of guardrails, for each sandbox (docs/limits.md). Times are in milliseconds, sizes in bytes. */
export interface GuardLimits {
  /** One evaluation of a compiled guardrail; then its thread is ended. */
  readonly evaluationMs: number;
  /** Loading a compiled guardrail. */
  readonly startMs: number;
  /** One answer of an OPA server, waiting included. */
  readonly serverMs: number;
  /** Questions that wait for an answer. */
  readonly waiting: number;
  /** Connections to an OPA server at once. */
  readonly serverConnections: number;
  /** One question, as JSON. */
  readonly inputBytes: number;
  /** One answer of an OPA server. */
  readonly answerBytes: number;
  /** Memory of a compiled guardrail, in pages of 65536 bytes. */
  readonly memoryPages: number;
  /** A bundle, as it is read and when it is unpacked. */
  readonly bundleBytes: number;
  readonly unpackedBytes: number;
  /** Characters of what a guardrail says about a refusal. */
  readonly detailLength: number;
}

export const GUARD_LIMITS: GuardLimits = {
  evaluationMs: 1000,
  startMs: 20_000,
  serverMs: 2000,
  waiting: 1024,
  serverConnections: 16,
  inputBytes: 1024 * 1024,
  answerBytes: 64 * 1024,
  memoryPages: 1024,
  bundleBytes: 32 * 1024 * 1024,
  unpackedBytes: 128 * 1024 * 1024,
  detailLength: 500,
};
