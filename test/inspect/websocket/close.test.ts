import { describe, expect, it } from 'vitest';
import { closePayload, readClose } from '../../../src/inspect/websocket/close.ts';

const coded = (code: number): Uint8Array => Uint8Array.from([code >> 8, code & 0xff]);

describe('a close frame', () => {
  it('may be empty, or hold a code and a reason', () => {
    expect(readClose(new Uint8Array())).toMatchObject({ ok: true, value: { code: 1005 } });
    const read = readClose(closePayload(1008, 'not allowed'));
    expect(read).toMatchObject({ ok: true, value: { code: 1008 } });
    expect(read.ok && Buffer.from(read.value.reason).toString()).toBe('not allowed');
  });

  it('may not hold half a code', () => {
    expect(readClose(Uint8Array.from([3])).ok).toBe(false);
  });

  it('holds only codes that may be sent', () => {
    const sendable = Array.from({ length: 65_536 }, (_, code) => code).filter(
      (code) => readClose(coded(code)).ok,
    );
    const some = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    expect(sendable).toEqual([...some(1000, 1003), ...some(1007, 1014), ...some(3000, 4999)]);
  });

  it('of ours fits into a control frame and is ASCII', () => {
    expect(closePayload(1008, 'x'.repeat(500))).toHaveLength(125);
    expect(Buffer.from(closePayload(1008, 'é\n')).toString('latin1').slice(2)).toBe('??');
  });
});
