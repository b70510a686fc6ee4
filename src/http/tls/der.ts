/** Values of ASN.1 written down in DER (ITU-T X.690), as far as certificates of one sandbox need them. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** From 2050 on UTCTime means another century (RFC 5280, 4.1.2.5). */
const LAST_YEAR_OF_UTC_TIME = 2049;

const tagged = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer =>
  tagged(TAG.sequence, Buffer.concat(parts));

/** One element: the order of several would matter. */
export const setOf = (part: Uint8Array): Buffer => tagged(TAG.set, part);

export const boolean = (value: boolean): Buffer => tagged(TAG.boolean, Buffer.from([value ? 0xff : 0]));

/** @param bytes not negative, the most significant byte first */
export function unsigned(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const shortest = bytes.subarray(start);
  return tagged(
    TAG.integer,
    (shortest[0] ?? 0) < 0x80 && shortest.length > 0 ? shortest : prefixed(shortest),
  );
}

const prefixed = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([0]), bytes]);

/** @param unused bits of the last byte that are none */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer =>
  tagged(TAG.bitString, Buffer.concat([Buffer.from([unused]), bytes]));

export const octetString = (bytes: Uint8Array): Buffer => tagged(TAG.octetString, bytes);

export const utf8String = (text: string): Buffer => tagged(TAG.utf8String, Buffer.from(text, 'utf8'));

/** @param dotted two arcs or more, as `2.5.29.15` */
export function objectIdentifier(dotted: string): Buffer {
  const [first, second, ...arcs] = dotted.split('.').map(Number);
  return tagged(TAG.objectIdentifier, Buffer.from([40 * first! + second!, ...arcs].flatMap(base128)));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}

/** Whole seconds: a certificate has no others. */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
  return date.getUTCFullYear() <= LAST_YEAR_OF_UTC_TIME
    ? tagged(TAG.utcTime, Buffer.from(digits.slice(2)))
    : tagged(TAG.generalizedTime, Buffer.from(digits));
}

/** `[number] IMPLICIT` of a value that is no structure. */
export const implicit = (number: number, content: Uint8Array): Buffer => tagged(0x80 | number, content);

/** `[number] EXPLICIT`. */
export const explicit = (number: number, value: Uint8Array): Buffer => tagged(0xa0 | number, value);
