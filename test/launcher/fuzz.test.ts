import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, find } from '../programs/support/host.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { canCompile, compile } from './support/compiling.ts';
import { notBuilt, payloadOf, planOf, requestOf } from './support/plans.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const clang = find('clang');
const SANITIZE = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

const lacking = [
  ...(clang === null
    ? ['clang']
    : canCompile(clang, SANITIZE, scratch.root)
      ? []
      : ['libclang-rt (the sanitizers of clang)']),
  ...(notBuilt === null ? [] : ['the launcher']),
];

describe.skipIf(lacking.length > 0)(`a fuzzer of the launcher’s decoders${because(lacking)}`, () => {
  it('finds nothing in 200,000 documents that it makes out of real ones', { timeout: 180_000 }, () => {
    const fuzzer = compile({
      compiler: clang!,
      flags: ['-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'],
      sources: ['document-fuzz.c'],
      units: ['document.c'],
      output: join(scratch.root, 'fuzzer'),
    });
    const seeds = join(scratch.root, 'seeds');
    const found = join(scratch.root, 'found');
    mkdirSync(found);
    const small = requestOf(['/bin/true']);
    const plan = planOf(here);
    scratch.write('seeds/default', payloadOf(plan, small));
    scratch.write(
      'seeds/proxy',
      payloadOf(planOf(here, '--allow', 'a.test'), requestOf(['sh', '-c', 'exit 0'], true)),
    );
    // Short ones let it reach the rows of every section in few steps.
    const { mounts, landlock, seccomp } = plan;
    scratch.write(
      'seeds/short',
      payloadOf(
        {
          ...plan,
          mounts: mounts.slice(0, 3),
          landlock: { ...landlock, rows: landlock.rows.slice(0, 2) },
          seccomp: { ...seccomp, program: seccomp.program.slice(0, 2), notify: seccomp.notify.slice(0, 2) },
        },
        small,
      ),
    );
    fuzz(fuzzer, 200_000, seeds, found);
  });

  it('finds nothing in 2,000,000 socket addresses', { timeout: 180_000 }, () => {
    const fuzzer = compile({
      compiler: clang!,
      flags: ['-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'],
      sources: ['place-fuzz.c'],
      units: ['place.c'],
      output: join(scratch.root, 'place-fuzzer'),
    });
    const found = join(scratch.root, 'found-places');
    mkdirSync(found);
    const v4 = (quad: number[]) => Buffer.from([2, 0, 1, 187, ...quad, ...Array(8).fill(0)]);
    const v6 = (bytes: number[]) => Buffer.from([10, 0, 1, 187, 0, 0, 0, 0, ...bytes, 0, 0, 0, 0]);
    const mapped = (quad: number[]) => v6([...Array(10).fill(0), 255, 255, ...quad]);
    const pool = [253, ...Buffer.from('openshe'), ...Array(8).fill(1)];
    for (const [i, quad] of [
      [127, 0, 0, 1],
      [0, 0, 0, 0],
      [198, 18, 0, 1],
      [198, 20, 0, 0],
    ].entries()) {
      scratch.write(`places/v4-${i}`, v4(quad));
      scratch.write(`places/mapped-${i}`, mapped(quad));
    }
    scratch.write('places/pool', v6(pool));
    scratch.write('places/one', v6([...Array(15).fill(0), 1]));
    fuzz(fuzzer, 2_000_000, join(scratch.root, 'places'), found);
  });
});

/** Runs a fuzzer, and fails with what it says when it found something. */
function fuzz(fuzzer: string, runs: number, seeds: string, found: string): void {
  const bounds = [`-runs=${runs}`, '-max_total_time=60', '-max_len=32768', '-rss_limit_mb=1024', '-seed=1'];
  const done = spawnSync(fuzzer, [...bounds, `-artifact_prefix=${found}/`, '-print_final_stats=1', seeds], {
    cwd: scratch.root,
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
  });
  expect(done.status, done.stderr.slice(-3000)).toBe(0);
  expect(readdirSync(found)).toEqual([]);
  const executed = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(done.stderr)?.[1]);
  expect(executed).toBeGreaterThan(1000);
}
