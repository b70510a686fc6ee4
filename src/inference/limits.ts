/** Bounds of inference.local, for one sandbox. docs/limits.md lists them; a test compares. */
export const INFERENCE_LIMITS = {
  /** Bytes of a request's body. */
  callBytes: 10 * 1024 * 1024,
  /** Bytes of all bodies that are held at once. */
  heldCallBytes: 64 * 1024 * 1024,
  /** From the head of a request to the end of its body. */
  callBodyMs: 120_000,
  /** Calls at once; further ones are answered 503. */
  calls: 64,
  /** Lists and objects in each other, in a request. */
  callDepth: 128,
  /** Keys of the outermost object of a request. */
  callMembers: 256,
  /** Bytes of an answer, once decoded. */
  wholeAnswerBytes: 32 * 1024 * 1024,
  /** Silence in an answer, and of a client that does not read it. */
  answerIdleMs: 120_000,
  /** Bytes of one server-sent event that are looked at; longer ones pass unseen. */
  streamEventBytes: 1024 * 1024,
  /** Bytes of token counts that are looked at. */
  usageBytes: 64 * 1024,
  /** Bytes of the header section of an answer. */
  answerHeaderBytes: 64 * 1024,
  /** Connections to one provider that wait for further calls. */
  providerIdleMs: 15_000,
} as const;

export type InferenceLimits = { readonly [K in keyof typeof INFERENCE_LIMITS]: number };
