import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deflateMessage, inflateMessage } from '../../../src/http/websocket/compression.ts';

const MAXIMUM = 1024 * 1024;

describe('compressed messages', () => {
  it('are what they were', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (message) => {
        const inflated = await inflateMessage(await deflateMessage(message), MAXIMUM);
        expect(inflated).toEqual({ ok: true, value: Buffer.from(message) });
      }),
    );
  });

  it.each([
    ['of RFC 7692, section 7.2.3.1', 'f248cdc9c90700'],
    ['in two blocks', 'f248050000 00ffffcac9c90700'],
    ['without compression', '000500faff48656c6c6f00'],
    ['ended for good', 'f348cdc9c9070000'],
  ])('%s are read', async (_what, hex) => {
    const inflated = await inflateMessage(Buffer.from(hex.replace(' ', ''), 'hex'), MAXIMUM);
    expect(inflated.ok && inflated.value.toString()).toBe('Hello');
  });

  it('of no bytes are read', async () => {
    expect(await inflateMessage(Buffer.from([0]), MAXIMUM)).toEqual({ ok: true, value: Buffer.alloc(0) });
    expect(await inflateMessage(Buffer.alloc(0), MAXIMUM)).toEqual({ ok: true, value: Buffer.alloc(0) });
  });

  it('that swell beyond the limit are refused', async () => {
    const bomb = deflateRawSync(Buffer.alloc(64 * MAXIMUM));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await inflateMessage(bomb, MAXIMUM)).toEqual({ ok: false, error: 'too_large' });
  });

  it('of exactly the limit are read', async () => {
    const inflated = await inflateMessage(await deflateMessage(Buffer.alloc(MAXIMUM)), MAXIMUM);
    expect(inflated.ok && inflated.value.length).toBe(MAXIMUM);
    expect((await inflateMessage(await deflateMessage(Buffer.alloc(MAXIMUM + 1)), MAXIMUM)).ok).toBe(false);
  });

  it('that are no deflate, or go on behind their end, are malformed', async () => {
    const hidden = Buffer.concat([deflateRawSync('allowed'), await deflateMessage(Buffer.from('hidden'))]);
    for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), hidden])
      expect(await inflateMessage(bytes, MAXIMUM)).toEqual({ ok: false, error: 'malformed' });
  });

  it('never make it throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        await inflateMessage(bytes, 1000);
      }),
    );
  });
});
