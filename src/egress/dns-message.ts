/** DNS messages (RFC 1035) of the workload: one question in, one answer out. Everything unusual is refused. */
import { type Answer, decode, encode, type Packet, type RecordType } from 'dns-packet';
import { err, ok, type Result } from '../base/result.ts';

export interface Question {
  readonly id: number;
  /** As it was asked; case is kept for the answer (some clients compare it). */
  readonly name: string;
  readonly type: RecordType;
  readonly recursionDesired: boolean;
}

export type ResponseCode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';

const CODES: Readonly<Record<ResponseCode, number>> = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
const HEADER = 12;
/** A question with the longest name and EDNS options fits; a longer message is none that a resolver library sends. */
export const MAX_QUERY = 1232;
const RECURSION_DESIRED = 0x0100;
const AUTHORITATIVE_FLAGS = 0x0080; // recursion available

/** Reads a query. The error holds the code to answer with, or null where no answer is possible. */
export function readQuery(message: Uint8Array): Result<Question, ResponseCode | null> {
  if (message.length < HEADER || message.length > MAX_QUERY) return err(null);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint16(2);
  if ((flags & 0x8000) !== 0) return err(null); // a response
  if ((flags & 0x7800) !== 0) return err('NOTIMP'); // not a standard query
  if (view.getUint16(4) !== 1 || view.getUint16(6) !== 0 || view.getUint16(8) !== 0 || view.getUint16(10) > 1) return err('FORMERR');
  // Pointers have no place in the one name of a question, and are what parsers go in circles on.
  if (!hasPlainName(message)) return err('FORMERR');
  let packet: Packet;
  try {
    packet = decode(Buffer.from(message));
  } catch {
    return err('FORMERR');
  }
  const question = packet.questions?.[0];
  if (question === undefined) return err('FORMERR');
  if (question.class !== 'IN') return err('NOTIMP');
  return ok({ id: view.getUint16(0), name: question.name, type: question.type, recursionDesired: (flags & RECURSION_DESIRED) !== 0 });
}

/** Whether the name behind the header is labels to its end, at most 255 bytes (RFC 1035 2.3.4). */
function hasPlainName(message: Uint8Array): boolean {
  let at = HEADER;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return false;
    if (length === 0) return at - HEADER < 255;
    at += length + 1;
  }
}

export interface Reply {
  readonly code: ResponseCode;
  readonly addresses: readonly string[];
  /** Seconds. */
  readonly ttl: number;
}

/** The answer to a question. @param limit bytes; a longer one is cut and says so (TC), so that the client asks by TCP */
export function writeReply(question: Question, reply: Reply, limit: number): Uint8Array {
  const type = question.type === 'AAAA' ? 'AAAA' : 'A';
  const answers = reply.addresses.map((data): Answer => ({ type, name: question.name, ttl: reply.ttl, class: 'IN', data }));
  const flags = AUTHORITATIVE_FLAGS | (question.recursionDesired ? RECURSION_DESIRED : 0) | CODES[reply.code];
  const questions = [{ type: question.type, name: question.name, class: 'IN' as const }];
  const whole = encode({ id: question.id, type: 'response', flags, questions, answers });
  if (whole.length <= limit) return whole;
  return encode({ id: question.id, type: 'response', flags: flags | 0x0200, questions, answers: [] });
}

/** An answer to a message that could not be read but for its number. */
export function writeError(message: Uint8Array, code: ResponseCode): Uint8Array {
  const reply = Buffer.alloc(HEADER);
  reply.set(message.subarray(0, 2));
  reply.writeUInt16BE(0x8000 | AUTHORITATIVE_FLAGS | CODES[code], 2);
  return reply;
}
