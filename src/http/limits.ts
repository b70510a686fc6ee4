/** Bounds of the proxy, for one sandbox. docs/limits.md lists them; a test compares. */
export const PROXY_LIMITS = {
  /** Connections at once, tunnels included; further ones are answered 503. */
  connections: 1024,
  /** Connections beyond that which still get the answer; the rest are closed without one. */
  surplusConnections: 64,
  /** Bytes of request line and header section together, and of a response's. */
  headerBytes: 16 * 1024,
  /** Header lines of a request. */
  headers: 128,
  /** From the first byte of a header section to its end. */
  headerMs: 10_000,
  /** Silence between requests, or before the first. */
  keepAliveMs: 60_000,
  /** Requests on one connection that are waiting or being answered. */
  pipelined: 16,
  /** Silence of a tunnel in both directions; 0: no limit. Databases and agents idle for hours. */
  tunnelIdleMs: 0,
  /** For what one side of a tunnel has sent to arrive after that side has closed. */
  drainMs: 30_000,
  /** Informational (1xx) answers to one request. */
  informational: 32,
  /** How long a refused client may take to read the answer and to stop sending. */
  lingerMs: 2_000,
} as const;

export type ProxyLimits = { readonly [K in keyof typeof PROXY_LIMITS]: number };

/** Bounds of inspected TLS, for one sandbox. */
export const TLS_LIMITS = {
  /** Certificates that are kept, one for each host. */
  leaves: 256,
  /** Bytes of a ClientHello with its records. */
  helloBytes: 16 * 1024,
  /** From the start of a handshake with a server to its end. */
  handshakeMs: 10_000,
  /** Servers whose sessions are kept, so that the next handshake is short. */
  sessions: 256,
} as const;

export type TlsLimits = { readonly [K in keyof typeof TLS_LIMITS]: number };

/** Bounds of connections to servers whose requests are looked at, for one sandbox. */
export const UPSTREAM_LIMITS = {
  /** Servers to which connections are kept. */
  upstreams: 256,
  /** Connections to one of them. */
  upstreamConnections: 256,
  /** How long an unused connection is kept: shorter than most servers do, which would cross with a request. */
  upstreamIdleMs: 4_000,
} as const;

export type UpstreamLimits = { readonly [K in keyof typeof UPSTREAM_LIMITS]: number };

/** Bounds of HTTP/2, for one connection. */
export const HTTP2_LIMITS = {
  /** Requests at once. */
  streams: 100,
  /** Megabytes that Node may hold for the session. */
  sessionMegabytes: 10,
  /** Frames that break the rules before the session is ended. */
  invalidFrames: 100,
  /** Bytes of an answer that a server may send before they are read. */
  windowBytes: 1024 * 1024,
  /** How long a session with a server is kept without a request. */
  idleMs: 30_000,
} as const;

/** Bounds of bodies that are read before a request is judged. How long one may be is its endpoint's matter. */
export const BODY_LIMITS = {
  /** Bytes of all bodies of a sandbox that are held at once, until they are answered. */
  heldBytes: 128 * 1024 * 1024,
  /** From the decision to read one to its end. */
  bodyMs: 60_000,
} as const;

export type BodyLimits = { readonly [K in keyof typeof BODY_LIMITS]: number };
