/**
 * DNS messages (RFC 1035) of the workload: one question in, one answer out. The question is echoed byte by byte, since
 * a name may hold what no text does; everything unusual is refused.
 */

import { type Address, addressBytes } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { NAME_LIMITS } from './name-limits.ts';

export interface Question {
  readonly id: number;
  /** Labels with dots between them, a character for each byte; not lower case. */
  readonly name: string;
  /** As `A`; `TYPE123` where it has no name here (RFC 3597). */
  readonly type: string;
  readonly recursionDesired: boolean;
  /** The question as it was asked. */
  readonly section: Uint8Array;
}

export type ResponseCode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP';
const CODES: Readonly<Record<ResponseCode, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
};

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  64: 'SVCB',
  65: 'HTTPS',
  255: 'ANY',
};
const TYPE_NUMBER = { 4: 1, 6: 28 } as const;
const IN = 1;

const HEADER = 12;
const FLAG = {
  response: 0x8000,
  opcode: 0x7800,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
};
/** A name that is the one of the question, which begins behind the header. */
const SAME_NAME = 0xc000 | HEADER;
const LONGEST_NAME = 255;
const LONGEST_LABEL = 63;

/** Reads a query. The error holds the code to answer with, or null where no answer is possible. */
export function readQuery(message: Uint8Array): Result<Question, ResponseCode | null> {
  if (message.length < HEADER || message.length > NAME_LIMITS.queryBytes) return err(null);
  const view = viewOf(message);
  const flags = view.getUint16(2);
  if ((flags & FLAG.response) !== 0) return err(null);
  if ((flags & FLAG.opcode) !== 0) return err('NOTIMP');
  const [questions, answers, authorities, additional] = [4, 6, 8, 10].map((at) => view.getUint16(at));
  // EDNS options (RFC 6891) are the one additional record that a query has; they ask for nothing that we give.
  if (questions !== 1 || answers !== 0 || authorities !== 0 || additional! > 1) return err('FORMERR');
  const name = readName(message);
  if (name === null || name.end + 4 > message.length) return err('FORMERR');
  if (view.getUint16(name.end + 2) !== IN) return err('NOTIMP');
  const type = view.getUint16(name.end);
  return ok({
    id: view.getUint16(0),
    name: name.text,
    type: TYPES[type] ?? `TYPE${type}`,
    recursionDesired: (flags & FLAG.recursionDesired) !== 0,
    section: message.slice(HEADER, name.end + 4),
  });
}

/** The name behind the header. Pointers have no place in the one name of a question, and are what parsers go in circles on. */
function readName(message: Uint8Array): { readonly text: string; readonly end: number } | null {
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = message[at];
    at += 1;
    if (length === undefined || length > LONGEST_LABEL || at + length - HEADER > LONGEST_NAME) return null;
    if (length === 0) return { text: labels.join('.'), end: at };
    if (at + length > message.length) return null;
    labels.push(String.fromCharCode(...message.subarray(at, at + length)));
    at += length;
  }
}

export interface Reply {
  readonly code: ResponseCode;
  /** All of the family that was asked for. */
  readonly addresses: readonly Address[];
  /** Seconds. */
  readonly ttl: number;
}

/** The answer to a question. @param limit bytes; a longer one is cut and says so (TC), so that the client asks by TCP */
export function writeReply(question: Question, reply: Reply, limit: number): Uint8Array {
  const records = reply.addresses.map((address) => record(address, reply.ttl));
  const size = HEADER + question.section.length + records.reduce((sum, { length }) => sum + length, 0);
  const fits = size <= limit;
  const flags =
    FLAG.response |
    FLAG.recursionAvailable |
    (question.recursionDesired ? FLAG.recursionDesired : 0) |
    (fits ? 0 : FLAG.truncated) |
    CODES[reply.code];
  const given = fits ? records : [];
  return Buffer.concat([words(question.id, flags, 1, given.length, 0, 0), question.section, ...given]);
}

/** An answer to a message of which only the number could be read. */
export const writeError = (message: Uint8Array, code: ResponseCode): Uint8Array =>
  words(viewOf(message).getUint16(0), FLAG.response | FLAG.recursionAvailable | CODES[code], 0, 0, 0, 0);

function record(address: Address, ttl: number): Uint8Array {
  const data = addressBytes(address);
  return Buffer.concat([
    words(SAME_NAME, TYPE_NUMBER[address.family], IN, ttl >>> 16, ttl & 0xffff, data.length),
    data,
  ]);
}

const words = (...values: readonly number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer).swap16();

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
