import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Outlet } from '../../../src/http/websocket/outlet.ts';
import { frame } from '../../inspect/websocket/frames.ts';

const TEXT = { fin: true, rsv1: false, opcode: 1 } as const;

function into(options: { masks: boolean }, highWaterMark = 1024 * 1024) {
  const socket = new PassThrough({ highWaterMark });
  return { socket, outlet: new Outlet(socket, options), sent: (): Buffer => socket.read() as Buffer };
}

describe('frames', () => {
  it('to a client have no mask', () => {
    const { outlet, sent } = into({ masks: false });
    expect(outlet.frame(TEXT, Buffer.from('hello'))).toBeUndefined();
    expect(sent()).toEqual(frame({ opcode: 1, payload: 'hello', mask: null }));
  });

  it('to a server have a mask of their own, over all pieces', () => {
    const { outlet, sent } = into({ masks: true });
    const masks = new Set<string>();
    for (let i = 0; i < 2000; i += 1) {
      outlet.begin({ ...TEXT, opcode: 2, length: 10 });
      for (const piece of ['abc', 'defghi', 'j']) void outlet.piece(Buffer.from(piece));
      const bytes = sent();
      const mask = [...bytes.subarray(2, 6)];
      masks.add(mask.join());
      expect(bytes).toEqual(frame({ opcode: 2, payload: 'abcdefghij', mask }));
    }
    expect(masks.size).toBeGreaterThan(1990);
  });

  it('leave the payload of a ping as it was', () => {
    const { outlet } = into({ masks: true });
    const payload = Buffer.from('ping');
    void outlet.control(9, payload);
    expect(payload.toString()).toBe('ping');
  });

  it('of any size arrive whole', () => {
    for (const length of [0, 1, 16 * 1024, 16 * 1024 + 1, 100_000]) {
      const { outlet, sent } = into({ masks: false });
      void outlet.frame(TEXT, Buffer.alloc(length, 'x'));
      expect(sent()).toEqual(frame({ opcode: 1, payload: Buffer.alloc(length, 'x'), mask: null }));
    }
  });
});

describe('an outlet', () => {
  it('is in the middle of a frame from its first piece to its last', () => {
    const { outlet } = into({ masks: false });
    void outlet.begin({ ...TEXT, length: 4 });
    expect(outlet.midFrame).toBe(false);
    void outlet.piece(Buffer.from('ab'));
    expect(outlet.midFrame).toBe(true);
    void outlet.piece(Buffer.from('cd'));
    expect(outlet.midFrame).toBe(false);
  });

  it('can be closed instead of a frame of which nothing was sent', () => {
    const { outlet, sent } = into({ masks: false });
    void outlet.begin({ ...TEXT, length: 4 });
    void outlet.control(8, Buffer.from([3, 232]));
    expect(sent()).toEqual(frame({ opcode: 8, payload: Buffer.from([3, 232]), mask: null }));
  });

  it('sends nothing behind a close frame', () => {
    const { outlet, sent } = into({ masks: false });
    void outlet.control(8, Buffer.alloc(0));
    void outlet.frame(TEXT, Buffer.from('late'));
    void outlet.control(9, Buffer.alloc(0));
    expect(sent()).toHaveLength(2);
    expect(outlet.closed).toBe(true);
  });

  it('waits for a side that takes nothing, and no longer than that lives', async () => {
    const { outlet, socket } = into({ masks: false }, 10);
    const wait = outlet.frame(TEXT, Buffer.alloc(100));
    expect(wait).toBeInstanceOf(Promise);
    socket.resume();
    await wait;
    const other = into({ masks: false }, 10);
    const gone = other.outlet.frame({ ...TEXT, opcode: 2 }, Buffer.alloc(100));
    other.socket.destroy();
    await gone;
    expect(other.outlet.frame(TEXT, Buffer.alloc(100))).toBeUndefined();
  });

  it('waits after many empty frames, too', () => {
    const { outlet } = into({ masks: false }, 10);
    let wait: unknown;
    for (let i = 0; i < 10; i += 1) wait = outlet.begin({ ...TEXT, opcode: 0, fin: false, length: 0 });
    expect(wait).toBeInstanceOf(Promise);
  });
});
