import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/base/quantity.ts';

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['1048576', 1 << 20],
    ['512MiB', 512 << 20],
    ['2G', 2 * 2 ** 30],
    ['1GB', 1e9],
    ['3 kB', 3000],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toEqual({ ok: true, value: bytes }));

  it.each(['', '-1', '1.5G', '1 XB', 'MiB', '99999999TiB', '0x10', '1e3'])('%s is none', (text) =>
    expect(parseSize(text).ok).toBe(false),
  );

  it('are read back from what is printed when they have no fraction', () => {
    fc.assert(
      fc.property(fc.nat(1023), fc.constantFrom(1, 1024, 2 ** 20, 2 ** 30), (n, unit) => {
        expect(parseSize(formatSize(n * unit))).toEqual({ ok: true, value: n * unit });
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    ['30', 30_000],
    ['30s', 30_000],
    ['500ms', 500],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toEqual({ ok: true, value: ms }));

  it.each(['', '-1s', '5 m', '1y', '400d', '1e3'])('%s is none', (text) =>
    expect(parseDuration(text).ok).toBe(false),
  );

  it('print as people write them', () => {
    expect([250, 30_000, 90_000, 7_200_000].map(formatDuration)).toEqual(['250ms', '30s', '1m30s', '2h']);
  });
});
