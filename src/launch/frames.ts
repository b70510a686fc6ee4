/** Splits the control socket's bytes into frames of `u32 length, u32 type, payload` (little-endian), and makes such frames. */
import { ENUMS, MAX_FRAME } from '../plan/wire.ts';

const HEADER = 8;

export class FrameSplitter {
  #rest: Buffer | null = null;

  /** Throws on a frame longer than MAX_FRAME. */
  push(chunk: Buffer): { type: number; payload: Buffer }[] {
    let bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: { type: number; payload: Buffer }[] = [];
    while (bytes.length >= HEADER) {
      const length = bytes.readUInt32LE(0);
      if (length > MAX_FRAME) throw new Error('a frame from the launcher is too long');
      if (bytes.length < HEADER + length) break;
      frames.push({ type: bytes.readUInt32LE(4), payload: bytes.subarray(HEADER, HEADER + length) });
      bytes = bytes.subarray(HEADER + length);
    }
    this.#rest = bytes.length === 0 ? null : bytes;
    return frames;
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
