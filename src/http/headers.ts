/**
 * Header sections: what is refused, what is dropped, what is added (RFC 9110 section 7.6, RFC 9112). The parser of
 * Node has read them already and a message is written anew from what it found, so that server and proxy cannot read
 * one message as two.
 */
import type { IncomingMessage } from 'node:http';
import { type Authority, authorityText, namesAuthority } from './request-target.ts';

export interface HeaderProblem {
  readonly kind: 'malformed_request' | 'authority_mismatch' | 'request_too_large';
  /** A sentence without a full stop; it never holds a header's value. */
  readonly reason: string;
}

type Request = Pick<IncomingMessage, 'rawHeaders' | 'httpVersionMajor' | 'httpVersionMinor'>;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const PSEUDONYM = 'openshell-sandbox';

/** Of this hop only. Credentials for a proxy are among them: they never travel on. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a Connection header cannot name, and a trailer cannot set: they say where a message goes and where it ends. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'host', 'transfer-encoding']);

/** Checks names and values in turn, in whichever version of HTTP they came. */
export function checkFields(
  rawHeaders: readonly string[],
  limits: { readonly headers: number },
): HeaderProblem | null {
  if (rawHeaders.length / 2 > limits.headers)
    return { kind: 'request_too_large', reason: `the request has more than ${limits.headers} header lines` };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!TOKEN.test(rawHeaders[i]!)) return malformed("a header's name is no token");
    if (!VALUE.test(rawHeaders[i + 1]!)) return malformed("a header's value holds a control character");
  }
  return null;
}

/** Checks the header section of any request to the proxy. */
export function checkRequest(request: Request, limits: { readonly headers: number }): HeaderProblem | null {
  const { rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  if (httpVersionMajor !== 1 || httpVersionMinor > 1)
    return malformed(`HTTP/${httpVersionMajor}.${httpVersionMinor} is not spoken here`);
  const problem = checkFields(rawHeaders, limits);
  if (problem !== null) return problem;
  const encodings = valuesOf(rawHeaders, 'transfer-encoding');
  const lengths = valuesOf(rawHeaders, 'content-length');
  if (encodings.length > 0 && (encodings.length > 1 || encodings[0]!.toLowerCase() !== 'chunked'))
    return malformed('the only transfer coding that is accepted is chunked');
  if (encodings.length > 0 && httpVersionMinor === 0) return malformed('HTTP/1.0 has no transfer codings');
  if (encodings.length > 0 && lengths.length > 0)
    return malformed('both Content-Length and Transfer-Encoding are there');
  if (lengths.length > 1 || (lengths[0] !== undefined && !/^\d{1,15}$/.test(lengths[0])))
    return malformed('Content-Length is no single number');
  for (const token of connectionTokens(rawHeaders)) {
    if (!TOKEN.test(token)) return malformed('the Connection header is no list of tokens');
    if (FRAMING.has(token)) return malformed(`the Connection header names ${token}`);
  }
  return null;
}

/**
 * Checks that a request has one Host header and that it names the host and port that it is for.
 * @param defaultPort of the scheme
 */
export function checkHost(request: Request, target: Authority, defaultPort = 80): HeaderProblem | null {
  const hosts = valuesOf(request.rawHeaders, 'host');
  if (hosts.length > 1) return malformed('there is more than one Host header');
  if (hosts.length === 0)
    return request.httpVersionMinor === 0 ? null : malformed('an HTTP/1.1 request needs a Host header');
  if (hosts[0] === authorityText(target, defaultPort)) return null;
  if (namesAuthority(hosts[0]!, target, defaultPort)) return null;
  return {
    kind: 'authority_mismatch',
    reason: 'the Host header names another host or port than the request is for',
  };
}

/** Whether something follows the header section. */
export function hasBody({ rawHeaders }: Request): boolean {
  const length = valuesOf(rawHeaders, 'content-length')[0] ?? '0';
  return !/^0+$/.test(length) || valuesOf(rawHeaders, 'transfer-encoding').length > 0;
}

/** The header section for the server, as a flat list of names and values. */
export function forwardedRequest(
  request: Request,
  target: Authority,
  method: string,
  upgrade: string | null,
): string[] {
  const { rawHeaders } = request;
  const out = ['Host', authorityText(target)];
  out.push(...endToEnd(rawHeaders, (name) => name === 'host' || name === 'content-length'));
  const length = valuesOf(rawHeaders, 'content-length')[0];
  if (valuesOf(rawHeaders, 'transfer-encoding').length > 0) out.push('Transfer-Encoding', 'chunked');
  else if (length !== undefined) out.push('Content-Length', length);
  else if (!BODILESS.has(method)) out.push('Content-Length', '0');
  out.push('Via', `1.${request.httpVersionMinor} ${PSEUDONYM}`);
  if (upgrade !== null) out.push('Connection', 'Upgrade', 'Upgrade', upgrade);
  else out.push('Connection', 'close');
  return out;
}

/** Methods whose requests are understood to have no body when nothing says how long it is. */
const BODILESS: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The header section for the client; framing and Connection are for whoever writes it. */
export function forwardedResponse(response: Pick<Request, 'rawHeaders' | 'httpVersionMinor'>): string[] {
  const out = endToEnd(response.rawHeaders, () => false);
  out.push('Via', `1.${response.httpVersionMinor} ${PSEUDONYM}`);
  return out;
}

/**
 * What of a request's header section travels on where requests are looked at; Host and framing are for whoever writes
 * it. The server is not told of us: many compress nothing, or cache, for a proxy.
 */
export const endToEndRequest = (rawHeaders: readonly string[]): string[] =>
  endToEnd(rawHeaders, (name) => name === 'host' || name === 'content-length' || name === 'expect');

/** The same of its answer. */
export const inspectedResponse = (rawHeaders: readonly string[]): string[] =>
  endToEnd(rawHeaders, () => false);

/** Trailer fields that may travel on, as pairs. */
export function forwardedTrailers(rawTrailers: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  const flat = endToEnd(rawTrailers, (name) => FRAMING.has(name));
  for (let i = 0; i < flat.length; i += 2)
    if (isHeader(flat[i]!, flat[i + 1]!)) out.push([flat[i]!, flat[i + 1]!]);
  return out;
}

/** Whether name and value can be written down without becoming something else. */
export const isHeader = (name: string, value: string): boolean => TOKEN.test(name) && VALUE.test(value);

/** Whether a request asks for a WebSocket, well-formed or not (RFC 6455, section 4.1). */
export const asksForWebSocket = ({ rawHeaders }: Pick<Request, 'rawHeaders'>): boolean =>
  listedTokens(rawHeaders, 'upgrade').includes('websocket');

/** Members of a header that is a list of tokens, in lower case; `name` in lower case. */
export const listedTokens = (rawHeaders: readonly string[], name: string): string[] =>
  valuesOf(rawHeaders, name)
    .flatMap((value) => value.split(','))
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '');

/** All values of a header; `name` in lower case. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (isNamed(rawHeaders[i]!, name)) values.push(rawHeaders[i + 1]!);
  return values;
}

/** Most names differ in length, and this is asked of every header many times. */
const isNamed = (raw: string, name: string): boolean =>
  raw.length === name.length && (raw === name || raw.toLowerCase() === name);

const malformed = (reason: string): HeaderProblem => ({ kind: 'malformed_request', reason });

const NO_TOKENS: readonly string[] = [];

function connectionTokens(rawHeaders: readonly string[]): readonly string[] {
  let tokens: string[] | null = null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (!isNamed(name, 'connection') && !isNamed(name, 'proxy-connection')) continue;
    tokens ??= [];
    for (const part of rawHeaders[i + 1]!.split(',')) {
      const token = part.trim().toLowerCase();
      if (token !== '') tokens.push(token);
    }
  }
  return tokens ?? NO_TOKENS;
}

function endToEnd(rawHeaders: readonly string[], drop: (name: string) => boolean): string[] {
  const nominated = connectionTokens(rawHeaders);
  const out: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!HOP_BY_HOP.has(name) && !nominated.includes(name) && !drop(name))
      out.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return out;
}
