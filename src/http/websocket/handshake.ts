/**
 * The opening handshake (RFC 6455, section 4), both halves. Only what was understood is written to the other side; all
 * other headers, Origin among them, are none of this module's business.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { err, ok, type Result } from '../../base/result.ts';
import { hasBody, listedTokens, valuesOf } from '../headers.ts';
import {
  agreementText,
  type DeflateAgreed,
  type DeflateOffer,
  offerText,
  readAgreement,
  readOffer,
} from './extensions.ts';

export type HandshakeRequest = Pick<
  IncomingMessage,
  'method' | 'rawHeaders' | 'httpVersionMajor' | 'httpVersionMinor'
>;

export interface Handshake {
  /** 16 bytes in base64, in their only spelling. */
  readonly key: string;
  /** Subprotocols, in the order of preference. */
  readonly protocols: readonly string[];
  readonly offer: DeflateOffer | null;
  /** Messages of the server are read, too: they have to be compressed one by one. */
  readonly readServer: boolean;
}

export interface Agreement {
  readonly protocol: string | null;
  /** Null: no message may be compressed. */
  readonly deflate: DeflateAgreed | null;
}

const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const PROTOCOLS = { count: 32, characters: 4096 };

/** The error is a clause that repeats nothing of the request. */
export function checkHandshake(request: HandshakeRequest, readServer = false): Result<Handshake, string> {
  const { method, rawHeaders, httpVersionMajor, httpVersionMinor } = request;
  if (method !== 'GET') return err('a WebSocket is asked for with GET');
  if (httpVersionMajor !== 1 || httpVersionMinor !== 1) return err('a WebSocket is asked for in HTTP/1.1');
  if (listedTokens(rawHeaders, 'upgrade').join() !== 'websocket')
    return err('the Upgrade header is not `websocket`');
  if (!listedTokens(rawHeaders, 'connection').includes('upgrade'))
    return err('the Connection header does not name Upgrade');
  if (hasBody(request)) return err('a request for a WebSocket has no body');
  const [version, ...versions] = valuesOf(rawHeaders, 'sec-websocket-version');
  if (version !== '13' || versions.length > 0) return err('the only version of WebSocket is 13');
  const [key, ...keys] = valuesOf(rawHeaders, 'sec-websocket-key');
  if (key === undefined || keys.length > 0 || !KEY.test(key))
    return err('Sec-WebSocket-Key is not one key of 16 bytes in base64');
  const wanted = valuesOf(rawHeaders, 'sec-websocket-protocol').join(',');
  const protocols = wanted === '' ? [] : wanted.split(',').map((name) => name.trim());
  if (protocols.length > PROTOCOLS.count || wanted.length > PROTOCOLS.characters)
    return err('there are too many subprotocols');
  if (!protocols.every((name) => TOKEN.test(name)) || new Set(protocols).size < protocols.length)
    return err('Sec-WebSocket-Protocol is no list of different tokens');
  const offer = readOffer(valuesOf(rawHeaders, 'sec-websocket-extensions'));
  return ok({ key, protocols, offer, readServer });
}

/** The header lines of the request, those of the handshake written anew; a flat list of names and values. */
export function requestHeaders(rawHeaders: readonly string[], handshake: Handshake): string[] {
  const { key, protocols, offer, readServer } = handshake;
  const headers = [...without(rawHeaders), 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key];
  if (protocols.length > 0) headers.push('Sec-WebSocket-Protocol', protocols.join(', '));
  if (offer !== null) headers.push('Sec-WebSocket-Extensions', offerText(offer, readServer));
  return headers;
}

/** Checks an answer with status 101. The error is a clause. */
export function checkAnswer(
  { rawHeaders }: Pick<HandshakeRequest, 'rawHeaders'>,
  { key, protocols, offer, readServer }: Handshake,
): Result<Agreement, string> {
  if (listedTokens(rawHeaders, 'upgrade').join() !== 'websocket')
    return err('the server changes to another protocol than WebSocket');
  if (!listedTokens(rawHeaders, 'connection').includes('upgrade'))
    return err("the Connection header of the server's answer does not name Upgrade");
  const accepts = valuesOf(rawHeaders, 'sec-websocket-accept');
  if (accepts.length !== 1 || accepts[0] !== acceptOf(key))
    return err('Sec-WebSocket-Accept of the server does not belong to the key');
  const chosen = valuesOf(rawHeaders, 'sec-websocket-protocol');
  if (chosen.length > 1 || (chosen.length === 1 && !protocols.includes(chosen[0]!)))
    return err('the server chose a subprotocol that was not offered');
  const deflate = readAgreement(valuesOf(rawHeaders, 'sec-websocket-extensions'), offer, readServer);
  return deflate.ok ? ok({ protocol: chosen[0] ?? null, deflate: deflate.value }) : deflate;
}

/** The header lines of the answer, those of the handshake written anew; without Connection and Upgrade. */
export function answerHeaders(
  rawHeaders: readonly string[],
  { key }: Handshake,
  { protocol, deflate }: Agreement,
): string[] {
  const headers = [...without(rawHeaders), 'Sec-WebSocket-Accept', acceptOf(key)];
  if (protocol !== null) headers.push('Sec-WebSocket-Protocol', protocol);
  if (deflate !== null) headers.push('Sec-WebSocket-Extensions', agreementText(deflate));
  return headers;
}

const acceptOf = (key: string): string => createHash('sha1').update(`${key}${GUID}`).digest('base64');

function without(rawHeaders: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!rawHeaders[i]!.toLowerCase().startsWith('sec-websocket-'))
      out.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  return out;
}
