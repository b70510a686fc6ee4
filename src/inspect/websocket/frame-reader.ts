/**
 * Bytes of one direction of a WebSocket connection to frames, strictly (RFC 6455, section 5). It is asked for one token
 * after the other, so that whoever reads can stop in the middle of a chunk; it keeps nothing but a head and the payload
 * of a control frame. Payloads are unmasked in place, in the chunk that was given.
 */
import { CONTROL_BYTES, type ControlOpcode, type DataOpcode, type FrameHead, OPCODE } from './frame.ts';
import { applyMask } from './mask.ts';

export type FrameFault = {
  readonly kind: 'fault';
  /** Close codes of RFC 6455, section 7.4.1: protocol error, message too big. */
  readonly code: 1002 | 1009;
  /** A clause; it repeats nothing that came. */
  readonly detail: string;
};

export type FrameToken =
  | { readonly kind: 'head'; readonly head: FrameHead & { readonly opcode: DataOpcode } }
  /** Some of the payload, never empty; a part of the chunk. */
  | { readonly kind: 'payload'; readonly bytes: Uint8Array }
  /** The frame is complete; `fin`: its message too. */
  | { readonly kind: 'end'; readonly fin: boolean }
  | { readonly kind: 'control'; readonly opcode: ControlOpcode; readonly payload: Uint8Array }
  | FrameFault;

export interface FrameRules {
  /** Frames of clients are masked, those of servers are not. */
  readonly masked: boolean;
  /** permessage-deflate was agreed on. */
  readonly deflate: boolean;
}

const EMPTY = new Uint8Array(0);

export class FrameReader {
  readonly #rules: FrameRules;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  readonly #head = new Uint8Array(14);
  #headLength = 0;
  /** Of the frame whose payload is being read. */
  #current: FrameHead | null = null;
  #remaining = 0;
  #control: Uint8Array = EMPTY;
  /** A message has begun and not ended. */
  #inMessage = false;
  #faulty = false;

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  /** Only when `next` has said null. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Null: what was given is used up, or there was a fault. */
  next(): FrameToken | null {
    const token = this.#faulty ? null : this.#read();
    // A silent connection holds no chunk.
    if (token === null || token.kind === 'fault') this.push(EMPTY);
    return token;
  }

  #read(): FrameToken | null {
    if (this.#current === null) {
      const begun = this.#readHead();
      if (begun === null) return null;
      if ('kind' in begun) {
        this.#faulty = true;
        return begun;
      }
      this.#current = begun;
      this.#remaining = begun.length;
      if (isData(begun)) return { kind: 'head', head: begun };
      this.#control = begun.length === 0 ? EMPTY : new Uint8Array(begun.length);
    }
    return isData(this.#current) ? this.#readData(this.#current) : this.#readControl(this.#current);
  }

  #readData({ fin }: FrameHead): FrameToken | null {
    if (this.#remaining > 0) {
      const bytes = this.#take();
      return bytes === null ? null : { kind: 'payload', bytes };
    }
    this.#current = null;
    this.#inMessage = !fin;
    return { kind: 'end', fin };
  }

  #readControl({ length, opcode }: FrameHead): FrameToken | null {
    while (this.#remaining > 0) {
      const done = length - this.#remaining;
      const bytes = this.#take();
      if (bytes === null) return null;
      this.#control.set(bytes, done);
    }
    this.#current = null;
    return { kind: 'control', opcode: opcode as ControlOpcode, payload: this.#control };
  }

  /** The next piece of the payload, without its mask. */
  #take(): Uint8Array | null {
    if (this.#at === this.#chunk.length) return null;
    const bytes = this.#chunk.subarray(this.#at, this.#at + this.#remaining);
    if (this.#rules.masked) applyMask(bytes, this.#mask(), (this.#current!.length - this.#remaining) % 4);
    this.#at += bytes.length;
    this.#remaining -= bytes.length;
    return bytes;
  }

  #mask(): Uint8Array {
    const end = headLength(this.#head);
    return this.#head.subarray(end - 4, end);
  }

  #readHead(): FrameHead | FrameFault | null {
    for (;;) {
      if (this.#headLength === 2) {
        const wrong = this.#checkStart();
        if (wrong !== null) return wrong;
      }
      if (this.#headLength >= 2 && this.#headLength === headLength(this.#head)) break;
      if (this.#at === this.#chunk.length) return null;
      this.#head[this.#headLength] = this.#chunk[this.#at]!;
      this.#headLength += 1;
      this.#at += 1;
    }
    this.#headLength = 0;
    const length = this.#payloadLength();
    if (typeof length !== 'number') return length;
    const first = this.#head[0]!;
    const opcode = (first & 0x0f) as FrameHead['opcode'];
    return { fin: (first & 0x80) !== 0, rsv1: (first & 0x40) !== 0, opcode, length };
  }

  /** What the first two bytes say already. */
  #checkStart(): FrameFault | null {
    const [first, second] = [this.#head[0]!, this.#head[1]!];
    const opcode = first & 0x0f;
    const starts = opcode === OPCODE.text || opcode === OPCODE.binary;
    if ((first & 0x30) !== 0) return fault('a reserved bit is set');
    if ((first & 0x40) !== 0 && !(this.#rules.deflate && starts)) return fault('a reserved bit is set');
    if (((second & 0x80) !== 0) !== this.#rules.masked)
      return fault(this.#rules.masked ? 'a frame of a client has no mask' : 'a frame of a server has a mask');
    if (opcode >= 8) {
      if (opcode > OPCODE.pong) return fault('an opcode is reserved');
      if ((first & 0x80) === 0) return fault('a control frame is fragmented');
      if ((second & 0x7f) > CONTROL_BYTES) return fault('a control frame is too long');
      return null;
    }
    if (opcode > OPCODE.binary) return fault('an opcode is reserved');
    if (starts && this.#inMessage) return fault('a message begins inside another');
    if (!starts && !this.#inMessage) return fault('a continuation continues nothing');
    return null;
  }

  #payloadLength(): number | FrameFault {
    const short = this.#head[1]! & 0x7f;
    const view = new DataView(this.#head.buffer);
    if (short < 126) return short;
    if (short === 126) {
      const length = view.getUint16(2);
      return length < 126 ? fault('a length is not in its shortest form') : length;
    }
    const length = view.getBigUint64(2);
    if (length < 0x10000n) return fault('a length is not in its shortest form');
    if (length >= 1n << 63n) return fault('the highest bit of a length is set');
    if (length > BigInt(Number.MAX_SAFE_INTEGER))
      return { kind: 'fault', code: 1009, detail: 'a frame is too long' };
    return Number(length);
  }
}

const isData = (head: FrameHead): head is FrameHead & { readonly opcode: DataOpcode } => head.opcode < 8;

/** As soon as its first two bytes are there. */
function headLength(head: Uint8Array): number {
  const short = head[1]! & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((head[1]! & 0x80) === 0 ? 0 : 4);
}

const fault = (detail: string): FrameFault => ({ kind: 'fault', code: 1002, detail });
