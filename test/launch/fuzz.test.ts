/** A launcher that is broken or hostile: it ends in one of the declared errors, or in reports that are what they say. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Frame, FrameSplitter } from '../../src/launch/frames.ts';
import { startLauncher } from '../../src/launch/launcher.ts';
import { decodeReport, type Report } from '../../src/launch/reports.ts';
import { ENUMS, MAX_FRAME } from '../../src/plan/wire.ts';
import { SEEDS, spoiled, spoiledReport } from './seeds.ts';

const framed = ([type, payload]: readonly [number, Buffer]): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(type >>> 0, 4);
  return Buffer.concat([header, payload]);
};

interface Split {
  readonly frames: readonly { readonly type: number; readonly payload: string }[];
  readonly tooLong: boolean;
}

/** As somebody who has all of it before him. */
function whole(bytes: Buffer): Split {
  const frames: Split['frames'][number][] = [];
  for (let at = 0; bytes.length - at >= 8; ) {
    const length = bytes.readUInt32LE(at);
    if (length > MAX_FRAME) return { frames, tooLong: true };
    if (bytes.length - at - 8 < length) break;
    frames.push({
      type: bytes.readUInt32LE(at + 4),
      payload: bytes.toString('hex', at + 8, at + 8 + length),
    });
    at += 8 + length;
  }
  return { frames, tooLong: false };
}

/** In pieces; frames of the piece that ends in an error are not told. */
function pieces(bytes: Buffer, cuts: readonly number[]): Split {
  const splitter = new FrameSplitter();
  const got: Frame[] = [];
  let tooLong = false;
  for (let at = 0, i = 0; at < bytes.length && !tooLong; i += 1) {
    const end = at + cuts[i % cuts.length]!;
    try {
      got.push(...splitter.push(Buffer.from(bytes.subarray(at, end))));
    } catch (error) {
      expect((error as Error).message).toBe('a frame from the launcher is too long');
      tooLong = true;
    }
    at = end;
  }
  return { frames: got.map(({ type, payload }) => ({ type, payload: payload.toString('hex') })), tooLong };
}

describe('frames of a hostile launcher', () => {
  const stream = fc
    .array(spoiledReport, { maxLength: 6 })
    .chain((reports) => spoiled(Buffer.concat(reports.map(framed))));

  it('are cut as the whole stream is, and the first that is too long ends it', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (bytes, cuts) => {
        const right = whole(bytes);
        const got = pieces(bytes, cuts);
        expect(got.tooLong).toBe(right.tooLong);
        expect(got.frames).toEqual(right.frames.slice(0, right.tooLong ? got.frames.length : undefined));
      }),
      { numRuns: 2000 },
    );
  });

  it('are held in a bounded memory, however small the pieces that the longest comes in', () => {
    const splitter = new FrameSplitter();
    const bytes = framed([1, Buffer.alloc(MAX_FRAME, 7)]);
    const got: Frame[] = [];
    for (let at = 0; at < bytes.length; at += 1) got.push(...splitter.push(bytes.subarray(at, at + 1)));
    expect(got.map(({ payload }) => payload.equals(bytes.subarray(8)))).toEqual([true]);
    expect(got[0]!.payload.buffer.byteLength).toBeLessThanOrEqual(2 * (MAX_FRAME + 8));
  });
});

/** Whatever takes memory in a report. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.buffer.byteLength;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.values(value).reduce((sum: number, one) => sum + sizeOf(one), 0);
}

describe('reports of a hostile launcher', () => {
  it.each(SEEDS)('of type %d are read when nothing is wrong with them', (type, payload) => {
    expect(decodeReport(type, payload)).toHaveProperty('kind');
  });

  it('are declared errors, or hold no more than came and only what their types say', () => {
    fc.assert(
      fc.property(spoiledReport, ([type, payload]) => {
        let report: Report;
        try {
          report = decodeReport(type, Buffer.concat([Buffer.alloc(4096), payload]).subarray(4096));
        } catch (error) {
          expect((error as Error).message).toMatch(/^a frame .*from the launcher/);
          return;
        }
        // Numbers of 4 bytes take 8, and flags become three of them.
        expect(sizeOf(report)).toBeLessThanOrEqual(8 * payload.length + 64);
        if (report.kind !== 'open' && report.kind !== 'peer') return;
        expect(report.port).toBeLessThanOrEqual(65_535);
        expect([0, 4, 16]).toContain(report.address.length);
        if (report.kind === 'open') expect(report.address.length).not.toBe(0);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a launcher that breaks off in the middle', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'openshell-test-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  // Both as long as a good frame, and behind them more than one reading takes.
  const unknown = framed([99, Buffer.alloc(8)]);
  const tooLong = Buffer.concat([Buffer.from([255, 255, 255, 255, 1, 0, 0, 0]), Buffer.alloc(8)]);
  it.each([
    ['an unknown report', unknown, 'a frame of unknown type 99 from the launcher'],
    ['a frame that is too long', tooLong, 'a frame from the launcher is too long'],
  ])('by %s is killed, and nothing that it says later counts', async (_, broken, why) => {
    const good = SEEDS.filter(([type]) => type === ENUMS.report.exited).map(framed)[0]!;
    expect(good.length).toBe(broken.length);
    const launcher = join(directory, 'launcher');
    const said = join(directory, 'said');
    writeFileSync(said, Buffer.concat([broken, ...Array<Buffer>(10_000).fill(good)]));
    writeFileSync(launcher, `#!/bin/sh\n/bin/cat '${said}' >&3\nexec /bin/sleep 60\n`, { mode: 0o755 });
    const namespaces = {
      user: true,
      mount: true,
      pid: true,
      ipc: true,
      uts: true,
      cgroup: true,
      network: true,
    };
    const reports: Report[] = [];
    const problem = await new Promise<string | null>((resolve) => {
      const request = {
        command: ['x'],
        environment: [],
        searchPath: '',
        terminal: false,
        cgroup: null,
      } as const;
      startLauncher({ launcher, withChannel: false, namespaces }).launch(new Uint8Array(), request, {
        report: (report) => reports.push(report),
        listener: () => {},
        ended: resolve,
      });
    });
    expect(problem).toBe(why);
    expect(reports).toEqual([]);
  });
});
