import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headBytes } from '../../../src/inspect/websocket/frame.ts';
import { frame } from './frames.ts';

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];

describe('the head of a frame', () => {
  it('has its length in the shortest form', () => {
    for (const length of LENGTHS)
      for (const mask of [null, [1, 2, 3, 4]]) {
        const written = headBytes(
          { fin: true, rsv1: false, opcode: 2, length },
          mask === null ? null : Uint8Array.from(mask),
        );
        expect(Buffer.from(written)).toEqual(frame({ opcode: 2, length: BigInt(length), mask }));
      }
  });

  it('says what it is told', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.constantFrom(0, 1, 2, 8, 9, 10), (fin, rsv1, opcode) => {
        const written = headBytes({ fin, rsv1, opcode: opcode as 0, length: 0 }, null);
        expect(Buffer.from(written)).toEqual(frame({ fin, rsv: rsv1 ? 4 : 0, opcode, mask: null }));
      }),
    );
  });
});
