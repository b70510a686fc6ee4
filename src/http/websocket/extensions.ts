/**
 * The one extension that passes: permessage-deflate (RFC 7692), and only with messages of clients that are compressed
 * one by one. Then what is read needs no memory between messages, and one that is put in another's place changes
 * nothing for those behind it. Everything else that is offered is dropped.
 */
import { err, ok, type Result } from '../../base/result.ts';

/** What a client can live with. */
export interface DeflateOffer {
  readonly serverNoContextTakeover: boolean;
  /** 8 to 15; null: it does not mind. */
  readonly serverMaxWindowBits: number | null;
  /** Whether it can be told to use a smaller window, and a hint of how large; null: it cannot. */
  readonly clientMaxWindowBits: number | 'any' | null;
}

/** What a server has agreed to. */
export interface DeflateAgreed extends DeflateOffer {
  /** What it can take; null: any. */
  readonly clientMaxWindowBits: number | null;
}

const NAME = 'permessage-deflate';
const SERVER_WINDOW = 'server_max_window_bits';
const CLIENT_WINDOW = 'client_max_window_bits';
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

interface Extension {
  readonly name: string;
  /** Null: no value. */
  readonly parameters: ReadonlyMap<string, string | null>;
}

/** The first offer that we understand, among the values of a Sec-WebSocket-Extensions header; null: none. */
export function readOffer(values: readonly string[]): DeflateOffer | null {
  for (const text of listed(values)) {
    const offer = parse(text);
    if (offer === null || offer.name !== NAME) continue;
    const { parameters } = offer;
    if (!known(parameters, 'value or none')) continue;
    const clientMaxWindowBits = parameters.has(CLIENT_WINDOW)
      ? (bitsOf(parameters, CLIENT_WINDOW) ?? 'any')
      : null;
    return { ...described(parameters), clientMaxWindowBits };
  }
  return null;
}

/** @param readServer messages of the server are going to be read too */
export function offerText(offer: DeflateOffer, readServer: boolean): string {
  const { serverMaxWindowBits: server, clientMaxWindowBits: client } = offer;
  const parts = [NAME, 'client_no_context_takeover'];
  if (offer.serverNoContextTakeover || readServer) parts.push('server_no_context_takeover');
  if (server !== null) parts.push(`${SERVER_WINDOW}=${server}`);
  if (client !== null) parts.push(client === 'any' ? CLIENT_WINDOW : `${CLIENT_WINDOW}=${client}`);
  return parts.join('; ');
}

/** Checks a server's answer to `offerText`; null: it has declined. The error is a clause. */
export function readAgreement(
  values: readonly string[],
  offer: DeflateOffer | null,
  readServer: boolean,
): Result<DeflateAgreed | null, string> {
  const texts = listed(values);
  if (texts.length === 0) return ok(null);
  const answer = parse(texts[0]!);
  if (offer === null || texts.length > 1 || answer === null || answer.name !== NAME)
    return err('the server agrees to an extension that was not offered');
  const { parameters } = answer;
  if (!known(parameters, offer.clientMaxWindowBits === null ? 'never' : 'value'))
    return err('the server agrees to permessage-deflate with parameters that were not offered');
  const agreed = { ...described(parameters), clientMaxWindowBits: bitsOf(parameters, CLIENT_WINDOW) };
  const bits = offer.serverMaxWindowBits;
  if ((offer.serverNoContextTakeover || readServer) && !agreed.serverNoContextTakeover)
    return err('the server keeps its compression context, which it was asked not to');
  if (bits !== null && (agreed.serverMaxWindowBits ?? 15) > bits)
    return err('the server compresses with a larger window than it was asked to');
  return ok(agreed);
}

/** What the client is told. */
export const agreementText = (agreed: DeflateAgreed): string => offerText(agreed, false);

const listed = (values: readonly string[]): string[] =>
  values
    .flatMap((value) => value.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');

/** A value in quotes has to be a token all the same, so commas and semicolons are always what they seem. */
function parse(text: string): Extension | null {
  const [name, ...rest] = text.split(';').map((part) => part.trim());
  if (!TOKEN.test(name!)) return null;
  const parameters = new Map<string, string | null>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    const key = (equals < 0 ? part : part.slice(0, equals)).trim();
    const written = equals < 0 ? null : part.slice(equals + 1).trim();
    const value = written === null ? null : (/^"(.*)"$/.exec(written)?.[1] ?? written);
    if (!TOKEN.test(key) || parameters.has(key) || (value !== null && !TOKEN.test(value))) return null;
    parameters.set(key, value);
  }
  return { name: name!, parameters };
}

function known(
  parameters: ReadonlyMap<string, string | null>,
  clientWindow: 'never' | 'value' | 'value or none',
): boolean {
  for (const [key, value] of parameters) {
    const isWindow = value !== null && /^(?:[89]|1[0-5])$/.test(value);
    if (key === SERVER_WINDOW && isWindow) continue;
    if (key === CLIENT_WINDOW && clientWindow !== 'never' && isWindow) continue;
    if (key === CLIENT_WINDOW && clientWindow === 'value or none' && value === null) continue;
    if (/^(?:server|client)_no_context_takeover$/.test(key) && value === null) continue;
    return false;
  }
  return true;
}

const described = (
  parameters: ReadonlyMap<string, string | null>,
): Omit<DeflateOffer, 'clientMaxWindowBits'> => ({
  serverNoContextTakeover: parameters.has('server_no_context_takeover'),
  serverMaxWindowBits: bitsOf(parameters, SERVER_WINDOW),
});

function bitsOf(parameters: ReadonlyMap<string, string | null>, key: string): number | null {
  const bits = parameters.get(key);
  return bits === undefined || bits === null ? null : Number(bits);
}
