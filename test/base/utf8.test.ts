import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../../src/base/utf8.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function platform(bytes: Uint8Array): string | null {
  try {
    const text = strict.decode(bytes);
    return text.startsWith('\ufeff') ? null : text;
  } catch {
    return null;
  }
}

describe('decodeUtf8', () => {
  it.each([
    ['overlong', [0xc0, 0xaf]],
    ['overlong of three', [0xe0, 0x80, 0xaf]],
    ['overlong of four', [0xf0, 0x80, 0x80, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['cut off', [0xe2, 0x82]],
    ['a continuation alone', [0x80]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b]],
    ['a byte of UTF-16', [0xff, 0xfe]],
  ])('refuses %s', (_, bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeNull();
  });

  it('says what the platform says of any bytes', () => {
    const lead = fc.constantFrom(
      0,
      0x7f,
      0x80,
      0xbf,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(lead, fc.integer({ min: 0, max: 255 }))), (bytes) => {
        const array = Uint8Array.from(bytes);
        expect(decodeUtf8(array)).toBe(platform(array));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads what was written, also beyond one chunk', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 9000 }), (text, times) => {
        fc.pre(!text.startsWith('\ufeff'));
        const long = text.repeat(Math.min(times, Math.ceil(9000 / Math.max(1, text.length))));
        expect(encodeUtf8(long)).toEqual(new TextEncoder().encode(long));
        expect(decodeUtf8(encodeUtf8(long))).toBe(long);
      }),
      { numRuns: 30 },
    );
  });
});
