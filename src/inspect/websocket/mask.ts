/** From this many bytes on, whole words are quicker. */
const WORDS_FROM = 128;
/** The mask as it lies over words, whatever the order of bytes in them. */
const TURNED = new Uint8Array(4);
const WORD = new Uint32Array(TURNED.buffer);

/** Masks or unmasks in place (RFC 6455, section 5.3). @param phase how many bytes of the payload came before */
export function applyMask(bytes: Uint8Array, mask: Uint8Array, phase: number): void {
  const { length, byteOffset } = bytes;
  let at = 0;
  if (length >= WORDS_FROM) {
    for (; (byteOffset + at) % 4 !== 0; at += 1) bytes[at]! ^= mask[(phase + at) & 3]!;
    for (let i = 0; i < 4; i += 1) TURNED[i] = mask[(phase + at + i) & 3]!;
    const key = WORD[0]!;
    const words = new Uint32Array(bytes.buffer, byteOffset + at, (length - at) >> 2);
    for (let i = 0; i < words.length; i += 1) words[i]! ^= key;
    at += words.length * 4;
  }
  for (; at < length; at += 1) bytes[at]! ^= mask[(phase + at) & 3]!;
}
