/** Answers of a server that was sent a credential: nothing of it comes back, in whatever header, coding or piece. */
import type { Transform } from 'node:stream';
import { err, ok, type Result } from '../base/result.ts';
import { acceptedCodings, decodersFor } from './content-coding.ts';
import { valuesOf, without } from './header-list.ts';
import type { Mask } from './mask.ts';

export interface MaskedAnswer {
  /** A flat list. */
  readonly headers: readonly string[];
  readonly phrase: string;
  /** What the body goes through, in this order, each piped into the next; errors are the server's. */
  readonly body: readonly Transform[];
}

export interface AnswerHead {
  readonly status: number;
  readonly phrase: string;
  readonly headers: readonly string[];
  /** Of the request. */
  readonly method: string;
}

/** Names of headers that say something about bytes which are not sent as they came. */
const OF_CODED_BYTES: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'accept-ranges',
]);
/**
 * Codings of the single messages in a body: what is asked for, and what the answer has. gRPC's, and those of the Connect
 * protocol, which are no codings of HTTP.
 */
const MESSAGE_CODINGS = [
  ['grpc-accept-encoding', 'grpc-encoding'],
  ['connect-accept-encoding', 'connect-content-encoding'],
] as const;
const ACCEPTED_MESSAGE_CODINGS: ReadonlySet<string> = new Set(MESSAGE_CODINGS.map(([accepted]) => accepted));
const DIGESTS: ReadonlySet<string> = new Set(['content-md5', 'digest', 'content-digest', 'repr-digest']);

/**
 * Whoever asks for one byte after the other gets no secret that a mask could find, so answers are whole. Lengths stay
 * as they are unless the answer is coded: then it is sent decoded.
 * Errors are clauses about the server.
 */
export function maskAnswer(mask: Mask, answer: AnswerHead): Result<MaskedAnswer, string> {
  const { status, headers, method } = answer;
  const phrase = mask.text(answer.phrase);
  const codings = valuesOf(headers, 'content-encoding').join(',');
  const bodiless = method === 'HEAD' || status === 204 || status === 304 || status < 200;
  if (bodiless) return ok({ headers: mask.headers(headers), phrase, body: [] });
  if (status === 206)
    return err('it sent a part of what it was asked for in whole, where a credential could not be found');
  for (const [, coding] of MESSAGE_CODINGS)
    if (valuesOf(headers, coding).some((value) => value.toLowerCase() !== 'identity'))
      return err(
        'it sent messages in a coding that was not asked for, where a credential could not be found',
      );
  const decoders = decodersFor(codings);
  if (decoders === null)
    return err('it sent a content coding that was not asked for, where a credential could not be found');
  const dropped = decoders.length === 0 ? DIGESTS : OF_CODED_BYTES;
  const kept = without(headers, dropped);
  const rest = decoders.length === 0 ? kept : weakened(kept);
  return ok({ headers: mask.headers(rest), phrase, body: [...decoders, mask.stream()] });
}

/** Headers of a request whose answer can be looked at: a whole, in a coding that is known. */
export function answerable(headers: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (name === 'range' || name === 'if-range') continue;
    out.push(headers[i]!, acceptable(name, headers[i + 1]!));
  }
  return out;
}

function acceptable(name: string, value: string): string {
  if (name === 'accept-encoding') return acceptedCodings(value);
  return ACCEPTED_MESSAGE_CODINGS.has(name) ? 'identity' : value;
}

/** Decoded bytes are not those that a strong validator is about (RFC 9110 section 8.8.1). */
function weakened(headers: readonly string[]): string[] {
  const out = [...headers];
  for (let i = 0; i < out.length; i += 2)
    if (out[i]!.toLowerCase() === 'etag' && out[i + 1]!.startsWith('"')) out[i + 1] = `W/${out[i + 1]}`;
  return out;
}
