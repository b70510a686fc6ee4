/** Bounds of WebSocket connections that are looked at, for one sandbox. docs/limits.md lists them; a test compares. */
export const WEBSOCKET_LIMITS = {
  /** Bytes of a message that is read as a whole, as it came and decompressed. */
  messageBytes: 4 * 1024 * 1024,
  /** Frames of such a message. */
  fragments: 65_536,
  /** Silence in the middle of such a message. */
  messageIdleMs: 30_000,
  /** From the first byte of such a message to its last. */
  messageMs: 120_000,
  /** Messages that are compressed or decompressed at once. */
  compressing: 4,
  /** Messages that wait for that. */
  compressQueue: 1024,
  /** Silence in both directions; 0: no limit. Agents keep connections for hours. */
  webSocketIdleMs: 0,
  /** From the first close frame, or the end of one side, to the end of both. */
  closeMs: 30_000,
  /** The same where we have refused something. */
  refusedMs: 2_000,
} as const;

export type WebSocketLimits = { readonly [K in keyof typeof WEBSOCKET_LIMITS]: number };
