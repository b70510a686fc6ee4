/** `host:port` as people and URLs write it: an IPv6 address stands in brackets (RFC 3986 3.2.2). */
export const hostPort = (host: string, port: number): string => `${bracketed(host)}:${port}`;

export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);
