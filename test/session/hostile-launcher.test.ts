/** Reports that can be read, in an order and with values that no launcher of ours sends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeReport, type Report } from '../../src/launch/reports.ts';
import { spoiledReport } from '../launch/seeds.ts';
import { pretend } from './pretended.ts';

const reports: fc.Arbitrary<readonly Report[]> = fc
  .array(spoiledReport, { maxLength: 12 })
  .map((all) => all.flatMap(([type, payload]) => readable(type, payload)))
  .map((all) => all.filter(({ kind }) => kind !== 'started')); // gives up the standard streams of this process

function readable(type: number, payload: Buffer): Report[] {
  try {
    return [decodeReport(type, payload)];
  } catch {
    return [];
  }
}

describe('a launcher that reports nonsense', () => {
  it('ends in an exit code, and in nothing that nobody catches', async () => {
    await fc.assert(
      fc.asyncProperty(reports, async (all) => {
        const code = await pretend(async (handlers) => {
          await Promise.resolve();
          for (const report of all) handlers.report(report);
          await new Promise(setImmediate);
          for (const report of all) handlers.report(report);
          handlers.ended(null);
        });
        expect(Number.isInteger(code)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
