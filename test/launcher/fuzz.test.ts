import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { frame, wordsFrame } from '../../src/launch/frames.ts';
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

describe.skipIf(lacking.length > 0)(`a fuzzer of what the launcher reads${because(lacking)}`, () => {
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

  it('finds nothing in 5,000 conversations on the control socket', { timeout: 180_000 }, () => {
    const fuzzer = compile({
      compiler: clang!,
      flags: ['-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'],
      sources: ['control-fuzz.c'],
      units: ['control.c'],
      output: join(scratch.root, 'control-fuzzer'),
    });
    const found = join(scratch.root, 'found-conversations');
    mkdirSync(found);
    const commands = Buffer.concat([
      wordsFrame('signal', 15, 0),
      frame('verdict', Buffer.alloc(48, 3)),
      frame('datagrams', Buffer.alloc(28, 2)),
      wordsFrame('resize'),
      frame('keep', Buffer.alloc(4096)),
    ]);
    const step = (what: number, amount: number, more = 0): Buffer =>
      Buffer.from([what, amount & 255, amount >> 8, more]);
    const written = (bytes: Buffer): Buffer => Buffer.concat([step(0, bytes.length), bytes]);
    const queued = [step(1, 40_000, 4), step(1, 65_535, 9), step(2, 65_535), step(1, 10, 1), step(2, 3)];
    scratch.write('conversations/whole', written(commands));
    scratch.write(
      'conversations/pieces',
      Buffer.concat([...commands].map((byte) => written(Buffer.of(byte)))),
    );
    scratch.write('conversations/too-long', written(wordsFrame('kill').fill(255, 0, 4)));
    scratch.write('conversations/queued', Buffer.concat(queued));
    scratch.write('conversations/much', Buffer.concat(Array<Buffer>(48).fill(step(1, 65_535, 9))));
    fuzz(fuzzer, 5_000, join(scratch.root, 'conversations'), found);
  });

  it('finds nothing in 50,000 series of commands about calls that wait', { timeout: 180_000 }, () => {
    const units = [
      'abstract',
      'destination',
      'connecting',
      'sending',
      'verdicts',
      'ledger',
      'keeping',
      'relay',
      'control',
      'births',
      'datagrams',
      'question',
      'peer',
      'prompt',
      'target',
      'sockets',
      'unheard',
    ];
    const fuzzer = compile({
      compiler: clang!,
      flags: [
        ...['-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'],
        '-Wl,--wrap=connect,--wrap=fork,--wrap=nanosleep',
      ],
      sources: ['command-fuzz.c'],
      units: [...units, 'listeners', 'tree', 'descriptors', 'inbox', 'network', 'place'].map(
        (unit) => `${unit}.c`,
      ),
      output: join(scratch.root, 'command-fuzzer'),
    });
    const found = join(scratch.root, 'found-commands');
    mkdirSync(found);
    // A call is added (its id, its kind, its address), then judged.
    const add = (id: number, kind: number): Buffer =>
      Buffer.from([0, id, kind, 14, 2, 0, 1, 187, 198, 18, 1, 0, ...Array(8).fill(0), 1, 1]);
    const judge = (id: number, verdict: number): Buffer => {
      const payload = Buffer.alloc(48);
      payload.set([id], 0);
      payload.set([verdict], 8);
      payload.set([9, 0, 0, 0, 1, 0, 0, 0, 187, 1, 0, 0, 4, 0, 0, 0, 192, 0, 2, 1], 16);
      return Buffer.concat([Buffer.from([3, 0xf1]), payload, Buffer.alloc(4, 1)]);
    };
    for (const kind of [0, 1, 8, 32, 68, 132])
      for (const verdict of [0, 1, 2])
        scratch.write(`commands/${kind}-${verdict}`, Buffer.concat([add(1, kind), judge(1, verdict)]));
    fuzz(fuzzer, 50_000, join(scratch.root, 'commands'), found);
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
