import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PolicyWatch, type WatchTimes } from '../../src/session/policy-watch.ts';
import { Scratch } from '../support/scratch.ts';

/** So long that only the kernel's word counts. */
const TOLD: WatchTimes = { quietMs: 20, latestMs: 200, lookMs: 3_600_000 };
let scratch: Scratch;
let watch: PolicyWatch | null = null;
let told = 0;

beforeEach(() => {
  scratch = new Scratch('policy-watch');
  told = 0;
});
afterEach(() => {
  watch?.close();
  scratch.remove();
});

function start(path: string, times = TOLD): void {
  watch = new PolicyWatch(
    path,
    () => {
      told += 1;
    },
    times,
  );
}
const isTold = (count = 1): Promise<void> =>
  expect.poll(() => told, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);

it('tells of a file that is written in place', async () => {
  const path = join(scratch.path, 'p.yaml');
  writeFileSync(path, 'one');
  start(path);
  writeFileSync(path, 'two');
  await isTold();
});

it('tells of a file that is replaced, each time', async () => {
  const path = join(scratch.path, 'p.yaml');
  writeFileSync(path, 'one');
  start(path);
  for (let i = 1; i <= 3; i += 1) {
    writeFileSync(`${path}~`, String(i));
    renameSync(`${path}~`, path);
    await isTold(i);
  }
});

it('tells of a file that goes, and of one that comes', async () => {
  const path = join(scratch.path, 'p.yaml');
  writeFileSync(path, 'one');
  start(path);
  rmSync(path);
  await isTold(1);
  writeFileSync(path, 'two');
  await isTold(2);
});

it('tells of a link on the way that leads elsewhere, as in a Kubernetes ConfigMap, and follows it', async () => {
  for (const version of ['v1', 'v2', 'v3']) {
    mkdirSync(join(scratch.path, version));
    writeFileSync(join(scratch.path, version, 'p.yaml'), version);
  }
  const data = join(scratch.path, '..data');
  symlinkSync('v1', data);
  symlinkSync('..data/p.yaml', join(scratch.path, 'p.yaml'));
  start(join(scratch.path, 'p.yaml'));
  for (const [i, version] of ['v2', 'v3'].entries()) {
    symlinkSync(version, `${data}~`);
    renameSync(`${data}~`, data);
    await isTold(i + 1);
  }
  const before = told;
  writeFileSync(join(scratch.path, 'v3', 'p.yaml'), 'in place');
  await isTold(before + 1);
});

it('tells once of many changes at a time, and of some while they never end', async () => {
  const path = join(scratch.path, 'p.yaml');
  writeFileSync(path, 'one');
  start(path, { ...TOLD, quietMs: 300, latestMs: 600 });
  for (let i = 0; i < 150; i += 1) {
    writeFileSync(path, String(i));
    await sleep(10);
  }
  await isTold();
  expect(told).toBeLessThan(30);
});

it('does not tell of other files', async () => {
  const path = join(scratch.path, 'p.yaml');
  writeFileSync(path, 'one');
  start(path);
  writeFileSync(join(scratch.path, 'other'), 'x');
  await sleep(200);
  expect(told).toBe(0);
});

it('looks now and then, where nothing tells', async () => {
  const directory = join(scratch.path, 'moved');
  mkdirSync(directory);
  const path = join(directory, 'p.yaml');
  writeFileSync(path, 'one');
  start(path, { ...TOLD, lookMs: 50 });
  mkdirSync(join(scratch.path, 'next'));
  writeFileSync(join(scratch.path, 'next', 'p.yaml'), 'three');
  renameSync(directory, join(scratch.path, 'old'));
  renameSync(join(scratch.path, 'next'), directory);
  await isTold();
});
