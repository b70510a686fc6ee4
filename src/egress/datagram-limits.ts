/** Bounds of relayed datagrams. docs/limits.md lists them; a test compares. */
export const DATAGRAM_LIMITS = {
  /** Endpoint addresses and ports that a sandbox sends datagrams to. */
  sockets: 256,
  /** Senders, by local port and endpoint; the one that has been silent longest is forgotten. */
  flows: 1024,
  /** Milliseconds of silence after which the socket of a sender is closed; its next datagram opens another. */
  idleMs: 60_000,
  /** Datagrams whose sender is not known yet. */
  held: 64,
  /** Bytes that wait to be sent, per sender; further datagrams are lost, as they are in a network. */
  queuedBytes: 1024 * 1024,
  /** Milliseconds within which the launcher has to give a socket, or say what came of a call. */
  launcherMs: 3000,
} as const;

export type DatagramLimits = { readonly [K in keyof typeof DATAGRAM_LIMITS]: number };
