/** UTF-8 to text, strictly: RFC 3629, without a byte order mark. */

/** Codes for one call of `String.fromCharCode`: arguments lie on the stack. */
const CHUNK = 8192;

/** Null: some bytes are no UTF-8 (overlong, a surrogate, beyond U+10FFFF, cut off), or it begins with a byte order mark. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  let text = '';
  let units: number[] = [];
  let i = 0;
  while (i < bytes.length) {
    const byte = bytes[i]!;
    if (byte < 0x80) {
      units.push(byte);
      i += 1;
    } else {
      const length = byte >= 0xc2 && byte < 0xe0 ? 2 : byte >= 0xe0 && byte < 0xf0 ? 3 : 4;
      if (byte < 0xc2 || byte > 0xf4 || i + length > bytes.length) return null;
      let point = byte & (0xff >> (length + 1));
      for (let k = 1; k < length; k += 1) {
        const next = bytes[i + k]!;
        if ((next & 0xc0) !== 0x80) return null;
        point = (point << 6) | (next & 0x3f);
      }
      if (point < FIRST_OF_LENGTH[length]! || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return null;
      if (point >= 0x10000) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
      else if (point === 0xfeff && i === 0) return null;
      else units.push(point);
      i += length;
    }
    if (units.length < CHUNK) continue;
    text += String.fromCharCode(...units);
    units = [];
  }
  return text + String.fromCharCode(...units);
}

/** The first character that needs as many bytes. */
const FIRST_OF_LENGTH: readonly number[] = [0, 0, 0x80, 0x800, 0x10000];

/** Of text without lone surrogates; each of those becomes three bytes that are no UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point < 0x80) bytes[length++] = point;
    else {
      if (point < 0x800) bytes[length++] = 0xc0 | (point >> 6);
      else {
        if (point < 0x10000) bytes[length++] = 0xe0 | (point >> 12);
        else {
          bytes[length++] = 0xf0 | (point >> 18);
          bytes[length++] = 0x80 | ((point >> 12) & 0x3f);
        }
        bytes[length++] = 0x80 | ((point >> 6) & 0x3f);
      }
      bytes[length++] = 0x80 | (point & 0x3f);
    }
  }
  return bytes.subarray(0, length);
}
