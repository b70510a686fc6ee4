import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameSplitter, frame, wordsFrame } from '../../src/launch/frames.ts';
import { decodeReport } from '../../src/launch/reports.ts';
import { ENUMS } from '../../src/plan/wire.ts';

const header = (length: number, type: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(type, 4);
  return bytes;
};

describe('frames', () => {
  it('come out whole, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }),
        (payloads, cuts) => {
          const all = Buffer.concat(
            payloads.map((payload, i) => Buffer.concat([header(payload.length, i), payload])),
          );
          const splitter = new FrameSplitter();
          const got: { type: number; payload: Buffer }[] = [];
          for (let at = 0, i = 0; at < all.length; i += 1) {
            const end = at + cuts[i % cuts.length]!;
            got.push(
              ...splitter
                .push(all.subarray(at, end))
                .map(({ type, payload }) => ({ type, payload: Buffer.from(payload) })),
            );
            at = end;
          }
          expect(got).toEqual(payloads.map((payload, type) => ({ type, payload: Buffer.from(payload) })));
        },
      ),
    );
  });

  it('that are too long end the run', () => {
    expect(() => new FrameSplitter().push(header(1 << 20, 1))).toThrow('too long');
  });

  it('to the warden carry their type and words', () => {
    expect(wordsFrame('signal', 15, 1)).toEqual(
      Buffer.concat([header(8, ENUMS.command.signal), Buffer.from([15, 0, 0, 0, 1, 0, 0, 0])]),
    );
    expect(frame('kill', new Uint8Array()).length).toBe(8);
  });
});

describe('reports', () => {
  it('that are short, long or unknown are errors, and nothing else ever happens', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 300 }), (type, payload) => {
        try {
          expect(decodeReport(type, payload)).toHaveProperty('kind');
        } catch (error) {
          expect((error as Error).message).toMatch(/launcher/);
        }
      }),
    );
  });

  it('name the row of the plan that failed, or none', () => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(ENUMS.step.mount, 0);
    bytes.writeUInt32LE(2, 4);
    bytes.writeBigUInt64LE(5n, 8);
    expect(decodeReport(ENUMS.report.failed, bytes)).toEqual({
      kind: 'failed',
      failure: { step: 'mount', errno: 2, row: 5 },
    });
    bytes.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 8);
    expect(decodeReport(ENUMS.report.failed, bytes)).toMatchObject({ failure: { row: null } });
  });
});
