/** Frames of a WebSocket connection (RFC 6455, section 5), and the bytes before their payload. */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export type DataOpcode = 0 | 1 | 2;
export type ControlOpcode = 8 | 9 | 10;

/** Bytes of a control frame's payload (RFC 6455, section 5.5). */
export const CONTROL_BYTES = 125;

export interface FrameHead {
  /** The last frame of its message. */
  readonly fin: boolean;
  /** The message is compressed; on its first frame only (RFC 7692, section 6). */
  readonly rsv1: boolean;
  readonly opcode: DataOpcode | ControlOpcode;
  /** Bytes of payload, at most 2^53 - 1. */
  readonly length: number;
}

/** What stands before the payload, the length in its shortest form. @param mask four bytes, or null towards a client */
export function headBytes({ fin, rsv1, opcode, length }: FrameHead, mask: Uint8Array | null): Uint8Array {
  const extended = length < 126 ? 0 : length < 0x10000 ? 2 : 8;
  const bytes = new Uint8Array(2 + extended + (mask === null ? 0 : 4));
  bytes[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  bytes[1] = (mask === null ? 0 : 0x80) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) {
    bytes[2] = length >> 8;
    bytes[3] = length & 0xff;
  } else if (extended === 8) new DataView(bytes.buffer).setBigUint64(2, BigInt(length));
  if (mask !== null) bytes.set(mask, 2 + extended);
  return bytes;
}
