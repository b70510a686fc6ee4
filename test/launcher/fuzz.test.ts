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

describe.skipIf(lacking.length > 0)(`a fuzzer of the plan decoder${because(lacking)}`, () => {
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
    const bounds = ['-runs=200000', '-max_total_time=60', '-max_len=32768', '-rss_limit_mb=1024', '-seed=1'];
    const done = spawnSync(fuzzer, [...bounds, `-artifact_prefix=${found}/`, '-print_final_stats=1', seeds], {
      cwd: scratch.root,
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
    });
    expect(done.status, done.stderr.slice(-3000)).toBe(0);
    expect(readdirSync(found)).toEqual([]);
    const runs = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(done.stderr)?.[1]);
    expect(runs).toBeGreaterThan(1000);
  });
});
