/** Splits the control socket's bytes into frames of `u32 length, u32 type, payload` (little-endian), and makes such frames. */
import { ENUMS, MAX_FRAME } from '../plan/wire.ts';

const HEADER = 8;
const NONE = Buffer.alloc(0);

export interface Frame {
  readonly type: number;
  /** A part of what was received: copy what is kept, or all of that stays in memory. */
  readonly payload: Buffer;
}

export class FrameSplitter {
  /** The beginning of a frame is in its first bytes: a copy of ours, which grows with the frame. */
  #held = NONE;
  #length = 0;

  /** Throws on a frame longer than MAX_FRAME: where the next one begins is not known then. */
  push(chunk: Buffer): Frame[] {
    const bytes = this.#length === 0 ? chunk : this.#append(chunk);
    const frames: Frame[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const length = bytes.readUInt32LE(at);
      if (length > MAX_FRAME) throw new Error('a frame from the launcher is too long');
      const end = at + HEADER + length;
      if (end > bytes.length) break;
      frames.push({ type: bytes.readUInt32LE(at + 4), payload: bytes.subarray(at + HEADER, end) });
      at = end;
    }
    if (at > 0 || bytes === chunk) this.#hold(bytes.subarray(at));
    return frames;
  }

  #hold(rest: Buffer): void {
    this.#held = rest.length === 0 ? NONE : Buffer.from(rest);
    this.#length = rest.length;
  }

  /** However small the pieces of a frame are, each of its bytes is copied a few times only. */
  #append(chunk: Buffer): Buffer {
    const length = this.#length + chunk.length;
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#length));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#length);
    this.#length = length;
    return this.#held.subarray(0, length);
  }
}

export function frame(type: keyof typeof ENUMS.command, payload: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(HEADER);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(ENUMS.command[type], 4);
  return Buffer.concat([header, payload]);
}

/** A frame of 32-bit words. */
export function wordsFrame(type: keyof typeof ENUMS.command, ...words: number[]): Buffer {
  const payload = Buffer.allocUnsafe(words.length * 4);
  words.forEach((word, i) => {
    payload.writeUInt32LE(word >>> 0, i * 4);
  });
  return frame(type, payload);
}
