import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../src/base/base64.ts';

describe('decodeBase64', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
      }),
    );
  });

  it.each(['a', 'ab', 'abc', 'ab=', 'a===', 'YQ', 'YR==', 'YWJ=', 'YQ==YQ==', 'YQ==\n', 'Y Q==', '_-__'])(
    'refuses %j',
    (text) => {
      expect(decodeBase64(text)).toBeNull();
    },
  );
});
