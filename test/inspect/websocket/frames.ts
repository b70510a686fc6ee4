/** Frames for tests, written independently of the product. */

export interface Written {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  /** Null: not masked. */
  readonly mask?: readonly number[] | null;
  /** Bytes of the length field instead of the shortest. */
  readonly lengthForm?: 7 | 16 | 64;
  /** A length that is not the payload's. */
  readonly length?: bigint;
}

const MASK = [0x37, 0xfa, 0x21, 0x3d];

export function frame({
  fin = true,
  rsv = 0,
  opcode,
  payload = '',
  mask = MASK,
  lengthForm,
  length,
}: Written): Buffer {
  const body = Buffer.from(payload as string);
  const size = length ?? BigInt(body.length);
  const form = lengthForm ?? (size < 126n ? 7 : size < 65_536n ? 16 : 64);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const masked = mask === null ? 0 : 0x80;
  if (form === 7) head.push(masked | Number(size));
  else {
    const bytes = form / 8;
    head.push(masked | (form === 16 ? 126 : 127));
    for (let i = bytes - 1; i >= 0; i -= 1) head.push(Number((size >> BigInt(8 * i)) & 0xffn));
  }
  if (mask !== null) head.push(...mask);
  const out = Buffer.from(body);
  if (mask !== null) for (let i = 0; i < out.length; i += 1) out[i]! ^= mask[i % 4]!;
  return Buffer.concat([Buffer.from(head), out]);
}

/** Cuts at these places, in any order and as often as they come. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => Buffer.from(bytes.subarray(from, at[i] ?? bytes.length)));
}
