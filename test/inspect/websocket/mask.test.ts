import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyMask } from '../../../src/inspect/websocket/mask.ts';

it('is the same byte by byte, wherever the bytes lie in memory and in the payload', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat(1000),
      fc.nat(7),
      (payload, mask, phase, offset) => {
        const memory = new Uint8Array(offset + payload.length + 4).fill(0xaa);
        memory.set(payload, offset);
        applyMask(memory.subarray(offset, offset + payload.length), mask, phase);
        expect([...memory]).toEqual([
          ...Array(offset).fill(0xaa),
          ...payload.map((byte, i) => byte ^ mask[(phase + i) % 4]!),
          0xaa,
          0xaa,
          0xaa,
          0xaa,
        ]);
      },
    ),
    { numRuns: 500 },
  );
});
