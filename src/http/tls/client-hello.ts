/**
 * The first message of a TLS client (RFC 8446, 4.1.2), read from what it has sent so far, before anything is answered.
 * Strict: what OpenSSL behind it would read otherwise than this must not pass. The first byte tells TLS from all else.
 */
import { TLS_LIMITS } from '../limits.ts';

export type ClientHello =
  | { readonly kind: 'hello'; readonly sni: string | null; readonly alpn: readonly string[] }
  /** Nothing can be said before there are `atLeast` bytes in all. */
  | { readonly kind: 'more'; readonly atLeast: number }
  | { readonly kind: 'not-tls' }
  | { readonly kind: 'broken'; readonly why: string };

const HANDSHAKE = 0x16;
const RECORD_HEADER = 5;
const MAX_RECORD = 16384;
const CLIENT_HELLO = 1;
const MESSAGE_HEADER = 4;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const ALPN = 16;
const NAME = /^[a-z0-9_.-]{1,255}$/;

/** @param bytes all that the client has sent, from its first byte */
export function clientHello(bytes: Uint8Array, limit: number = TLS_LIMITS.helloBytes): ClientHello {
  if (bytes.length === 0) return { kind: 'more', atLeast: 1 };
  if (bytes[0] !== HANDSHAKE) return { kind: 'not-tls' };
  try {
    const message = joinRecords(bytes, limit);
    return message instanceof Uint8Array ? readHello(message) : message;
  } catch (error) {
    if (error instanceof Broken) return { kind: 'broken', why: error.message };
    throw error;
  }
}

/** Never leaves this file. */
class Broken extends Error {}

/** The message without the heads of the records that carry it. */
function joinRecords(bytes: Uint8Array, limit: number): Uint8Array | Extract<ClientHello, { kind: 'more' }> {
  const parts: number[] = [];
  let at = 0;
  for (;;) {
    if (bytes.length < at + RECORD_HEADER) {
      checkHead(bytes.subarray(at));
      return more(at + RECORD_HEADER, limit);
    }
    checkHead(bytes.subarray(at));
    const length = bytes[at + 3]! * 256 + bytes[at + 4]!;
    if (length === 0 || length > MAX_RECORD) throw new Broken(`a record of ${length} bytes`);
    const start = at + RECORD_HEADER;
    const end = start + length;
    for (let i = start; i < Math.min(end, bytes.length); i += 1) parts.push(bytes[i]!);
    const wanted = messageLength(parts);
    if (bytes.length < end) return more(end, limit);
    if (wanted !== null && parts.length > wanted)
      throw new Broken('something follows the hello in its record');
    if (end > limit) throw new Broken(`the hello is longer than ${limit} bytes`);
    if (parts.length === wanted) return Uint8Array.from(parts);
    at = end;
  }
}

function more(atLeast: number, limit: number): { kind: 'more'; atLeast: number } {
  if (atLeast > limit) throw new Broken(`the hello is longer than ${limit} bytes`);
  return { kind: 'more', atLeast };
}

/** What is there of the head of a record. The minor version says nothing (RFC 8446, 5.1). */
function checkHead(head: Uint8Array): void {
  if (head.length > 0 && head[0] !== HANDSHAKE)
    throw new Broken(`a record of type ${head[0]} within the hello`);
  if (head.length > 1 && head[1] !== 3) throw new Broken(`record version ${head[1]}`);
}

/** With its header; null while that is not complete. */
function messageLength(parts: readonly number[]): number | null {
  if (parts.length > 0 && parts[0] !== CLIENT_HELLO)
    throw new Broken(`a message of type ${parts[0]} in place of a hello`);
  if (parts.length < MESSAGE_HEADER) return null;
  return MESSAGE_HEADER + parts[1]! * 65536 + parts[2]! * 256 + parts[3]!;
}

function readHello(message: Uint8Array): ClientHello {
  const hello = new Reader(message.subarray(MESSAGE_HEADER), 'hello');
  const version = hello.number(2);
  if (version >> 8 !== 3) throw new Broken(`version ${version >> 8}.${version & 255}`);
  hello.take(32); // random
  if (hello.vector(1, 'session id').left > 32) throw new Broken('the session id is too long');
  const suites = hello.vector(2, 'cipher suites').left;
  if (suites < 2 || suites % 2 !== 0) throw new Broken('the cipher suites are not a list');
  if (!hello.vector(1, 'compression methods').rest().includes(0))
    throw new Broken('no compression is not offered');
  let sni: string | null = null;
  let alpn: readonly string[] = [];
  if (hello.left > 0) {
    const extensions = hello.vector(2, 'extensions');
    const seen = new Set<number>();
    while (extensions.left > 0) {
      const type = extensions.number(2);
      const body = extensions.vector(2, `extension ${type}`);
      if (seen.has(type)) throw new Broken(`extension ${type} comes twice`);
      seen.add(type);
      if (type === SERVER_NAME) sni = readServerName(body);
      else if (type === ALPN) alpn = readProtocols(body);
    }
  }
  hello.end();
  return { kind: 'hello', sni, alpn };
}

/** One name: there is no other kind, and each kind may stand once (RFC 6066, section 3). */
function readServerName(body: Reader): string {
  const list = body.vector(2, 'server names');
  body.end();
  const kind = list.number(1);
  if (kind !== HOST_NAME) throw new Broken(`a server name of kind ${kind}`);
  const name = text(list.vector(2, 'server name').rest()).toLowerCase();
  list.end();
  if (!NAME.test(name)) throw new Broken(`the server name ${JSON.stringify(name.slice(0, 64))} is none`);
  return name;
}

function readProtocols(body: Reader): string[] {
  const list = body.vector(2, 'protocols');
  body.end();
  const protocols: string[] = [];
  do {
    const protocol = list.vector(1, 'protocol').rest();
    if (protocol.length === 0) throw new Broken('a protocol without a name');
    protocols.push(text(protocol));
  } while (list.left > 0);
  return protocols;
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Reads what has to be there. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(count: number): Uint8Array {
    if (this.left < count) throw new Broken(`${this.#what}: the end is missing`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  number(width: 1 | 2): number {
    return this.take(width).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** Something with its length before it. */
  vector(width: 1 | 2, what: string): Reader {
    return new Reader(this.take(this.number(width)), what);
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  end(): void {
    if (this.left > 0) throw new Broken(`${this.#what}: something follows its end`);
  }
}
