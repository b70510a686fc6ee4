import { describe, expect, it } from 'vitest';
import { ExpectedReports } from '../../src/egress/expected-reports.ts';

describe('expected reports', () => {
  it('that never come are bounded: the oldest are expected no more, and nobody waits for them', async () => {
    const expected = new ExpectedReports<number>(60_000);
    for (let i = 0; i < 10_000; i += 1) expected.expect(BigInt(i), i);
    expect(expected.size).toBe(4096);
    expect(expected.take(0n)).toBeUndefined();
    for (let i = 5904; i < 10_000; i += 1) expect(expected.take(BigInt(i))).toBe(i);
    await expected.reported();
  });

  it('of an id that comes a second time: only the second counts, and who waited for the first goes on', async () => {
    const expected = new ExpectedReports<string>(60_000);
    expected.expect(1n, 'first');
    const waits = expected.reported();
    expected.expect(1n, 'second');
    await waits;
    expect(expected.take(1n)).toBe('second');
    expect(expected.size).toBe(0);
  });
});
