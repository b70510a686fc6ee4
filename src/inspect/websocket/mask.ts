/** Masks or unmasks in place (RFC 6455, section 5.3). @param phase how many bytes of the payload came before */
export function applyMask(bytes: Uint8Array, mask: Uint8Array, phase: number): void {
  const { length, byteOffset } = bytes;
  let at = 0;
  for (; at < length && (byteOffset + at) % 4 !== 0; at += 1) bytes[at]! ^= mask[(phase + at) % 4]!;
  const words = (length - at) >> 2;
  if (words > 0) {
    const turned = Uint8Array.from([0, 1, 2, 3], (i) => mask[(phase + at + i) % 4]!);
    const key = new Uint32Array(turned.buffer)[0]!;
    const view = new Uint32Array(bytes.buffer, byteOffset + at, words);
    for (let i = 0; i < words; i += 1) view[i]! ^= key;
    at += words * 4;
  }
  for (; at < length; at += 1) bytes[at]! ^= mask[(phase + at) % 4]!;
}
