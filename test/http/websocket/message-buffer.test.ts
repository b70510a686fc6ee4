import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldBytes } from '../../../src/http/inspected/content.ts';
import { SharedByWebSockets } from '../../../src/http/websocket/budget.ts';
import { MessageBuffer } from '../../../src/http/websocket/message-buffer.ts';

describe('a message', () => {
  it('is what its pieces are, counted with at most twice its length, and given back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 2000 })), (pieces) => {
        const memory = new HeldBytes({ heldBytes: 1_000_000, bodyMs: 0 });
        const shared = new SharedByWebSockets(memory);
        const buffer = new MessageBuffer(shared);
        for (const piece of pieces) expect(buffer.add(piece)).toBeNull();
        const whole = Buffer.concat(pieces);
        expect(buffer.message).toEqual(whole);
        expect(memory.held).toBeLessThanOrEqual(Math.max(1024, whole.length * 2));
        buffer.clear();
        expect([buffer.message.length, memory.held]).toEqual([0, 0]);
      }),
    );
  });

  it('is refused by what its frames announce, before their bytes come', () => {
    const buffer = new MessageBuffer(
      new SharedByWebSockets(new HeldBytes(), { messageBytes: 10, fragments: 3 }),
    );
    expect(buffer.beginFrame(11)).toBe('too_large');
    buffer.clear();
    expect([buffer.beginFrame(6), buffer.add(Buffer.alloc(6)), buffer.beginFrame(4)]).toEqual([
      null,
      null,
      null,
    ]);
    expect(buffer.beginFrame(5)).toBe('too_large');
    buffer.clear();
    expect([1, 2, 3, 4].map(() => buffer.beginFrame(0))).toEqual([null, null, null, 'too_many_fragments']);
  });

  it('is refused where others have taken the room', () => {
    const shared = new SharedByWebSockets(new HeldBytes({ heldBytes: 3000, bodyMs: 0 }));
    const [one, two] = [new MessageBuffer(shared), new MessageBuffer(shared)];
    expect(one.add(Buffer.alloc(2000))).toBeNull();
    expect(two.add(Buffer.alloc(2000))).toBe('no_room');
    one.clear();
    expect(two.add(Buffer.alloc(2000))).toBeNull();
  });
});
