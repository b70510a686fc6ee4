/** The two forms of request-target that a proxy takes (RFC 9112 section 3.2), read strictly. */
import { err, ok, type Result } from '../base/result.ts';
import { printable } from '../base/source.ts';
import { parsePort } from '../egress/connect-to.ts';
import { type Host, normaliseHost } from '../match/host.ts';

export interface Authority {
  readonly host: Host;
  readonly port: number;
}

export interface AbsoluteTarget extends Authority {
  /** For the server: path and query, or `*`. */
  readonly originForm: string;
  /** For people and events: the path without its query. */
  readonly path: string;
}

export interface TargetProblem {
  readonly kind: 'malformed_destination' | 'unsupported_scheme' | 'malformed_request';
  /** A sentence without a full stop; it repeats nothing that could be secret. */
  readonly reason: string;
}

const VISIBLE = /^[\x21-\x7e]+$/;
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]*)(.*)$/s;
const AUTHORITY = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s;

/** `host:port` or `[address]:port`. */
export function parseConnectTarget(text: string): Result<Authority, TargetProblem> {
  const authority = parseAuthority(text, null);
  return authority.ok ? authority : malformed('malformed_destination', authority.error);
}

/** `http://host[:port][/path][?query]`. */
export function parseAbsoluteTarget(method: string, text: string): Result<AbsoluteTarget, TargetProblem> {
  if (text.startsWith('/') || text === '*')
    return malformed(
      'malformed_request',
      'this is a proxy: it takes CONNECT host:port, or METHOD http://host/path, not a bare path',
    );
  if (!VISIBLE.test(text) || text.includes('\\'))
    return malformed('malformed_destination', 'the URL holds a character that URLs cannot have');
  const parts = ABSOLUTE.exec(text);
  if (parts === null) return malformed('malformed_destination', 'the request-target is no absolute URL');
  const scheme = parts[1]!.toLowerCase();
  if (scheme === 'https') return malformed('unsupported_scheme', 'use CONNECT for https URLs');
  if (scheme !== 'http')
    return malformed('unsupported_scheme', `the scheme \`${scheme.slice(0, 32)}\` is not http`);
  if (text.includes('#')) return malformed('malformed_destination', 'the URL holds a fragment');
  const authority = parseAuthority(parts[2]!, 80);
  if (!authority.ok) return malformed('malformed_destination', authority.error);
  const tail = parts[3]!;
  const pathAndQuery = tail.startsWith('/') ? tail : `/${tail}`;
  const path = pathAndQuery.split('?', 1)[0]!;
  // RFC 9112 section 3.2.4: an OPTIONS request for the server as a whole.
  const originForm = method === 'OPTIONS' && tail === '' ? '*' : pathAndQuery;
  return ok({ ...authority.value, originForm, path });
}

/** Reads `host[:port]`; without a default the port must be there. Errors are sentences. */
export function parseAuthority(text: string, defaultPort: number | null): Result<Authority, string> {
  if (text.includes('@')) return err('the host holds user information');
  const parts = AUTHORITY.exec(text);
  if (parts === null)
    return err('the host and port are not of the form host:port, with IPv6 addresses in brackets');
  const host = normaliseHost(parts[1]!);
  if (!host.ok) return err(`the host ${host.error}`);
  const port = parts[2] === undefined ? defaultPort : parsePort(parts[2]);
  if (port === null) return err('the port is missing or no number from 1 to 65535');
  return ok({ host: host.value, port });
}

/** Whether `host[:port]` names just that host and port. @param defaultPort of the scheme */
export function namesAuthority(text: string, { host, port }: Authority, defaultPort: number): boolean {
  const named = parseAuthority(text, defaultPort);
  return named.ok && named.value.host.text === host.text && named.value.port === port;
}

/** As in a Host header: brackets around IPv6, the scheme's own port left out. */
export function authorityText({ host, port }: Authority, defaultPort = 80): string {
  const name = host.address?.family === 6 ? `[${host.text}]` : host.text;
  return port === defaultPort ? name : `${name}:${port}`;
}

/** What an event may say of a target that could not be read: no user information, path or query; bounded; printable. */
export function describeTarget(text: string): string {
  const afterScheme = text.slice(0, 4096).replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//, '');
  const authority = afterScheme.split(/[/?#\\]/, 1)[0]!;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return printable(host.slice(0, 255)).replace(/[\t\n]/g, ' ');
}

const malformed = (kind: TargetProblem['kind'], reason: string): Result<never, TargetProblem> =>
  err({ kind, reason });
