import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OpenshellEvent } from '../../src/event/event.ts';
import { find } from '../programs/support/host.ts';
import { eventsOf, type Finished, openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const python = find('python3');
let runs = 0;

async function limited(
  limits: string,
  command: readonly string[],
): Promise<Finished & { readonly limitEvents: readonly OpenshellEvent[] }> {
  const policy = scratch.policy(`version: 1\nlimits: {${limits}}\n`);
  const events = join(scratch.root, `events-${++runs}`);
  const done = await openshell(['run', '--policy', policy, '--events', events, '--', ...command], here);
  return { ...done, limitEvents: eventsOf(events).filter(({ layer }) => layer === 'limits') };
}

const script = (text: string): string[] => ['sh', '-c', text];

describe('limits.wall_time', () => {
  it('ends the program with 124 and one event', async () => {
    const { code, stderr, limitEvents } = await limited('wall_time: 1s', ['sleep', '60']);
    expect(code).toBe(124);
    expect(stderr).toContain('stopped: the time limit was reached');
    expect(limitEvents).toMatchObject([
      {
        type: 'denial',
        action: 'deny',
        reason: 'wall_time_limit',
        rule: { policy: 'limits.wall_time', index: null, line: 2 },
        subject: { kind: 'limit', limit: 'wall_time', value: 1000 },
      },
    ]);
  });
});

describe.skipIf(python === null)('limits.memory', () => {
  it('ends a program that takes more, with 137 and one event', async () => {
    const grow =
      'import time\nparts = []\nfor i in range(400): parts.append(b"x" * 4_000_000); time.sleep(0.01)';
    const { code, stderr, limitEvents } = await limited('memory: 256MiB', [python!, '-c', grow]);
    expect(code).toBe(137);
    expect(stderr).toMatch(/stopped: the memory limit was reached \(memory [\d.]+MiB\) \(.*:2\)/);
    expect(limitEvents).toMatchObject([
      {
        reason: 'memory_limit',
        rule: { policy: 'limits.memory', line: 2 },
        subject: { kind: 'limit', limit: 'memory' },
      },
    ]);
  });

  it('counts all processes together, and pages that they share once', async () => {
    const child = 'import sys, time; block = b"x" * 60_000_000; print("up", flush=True); time.sleep(2)';
    const four = `for i in 1 2 3 4 5 6; do ${python} -c '${child}' & done; wait`;
    expect((await limited('memory: 256MiB', script(four))).code).toBe(137);
    const forks = `import os, time
block = b"x" * 100_000_000
pids = [os.fork() for _ in range(2)]
time.sleep(0.8)`;
    expect((await limited('memory: 256MiB', [python!, '-c', forks])).code).toBe(0);
  });

  it('lets a program be that stays below', async () => {
    const stay = 'block = b"x" * 50_000_000; import time; time.sleep(0.5); print("fine")';
    expect(await limited('memory: 256MiB', [python!, '-c', stay])).toMatchObject({
      code: 0,
      stdout: 'fine\n',
      limitEvents: [],
    });
  });
});

describe('limits.cpu_time', () => {
  it('ends what computes for longer, all processes together, with one event', async () => {
    const { code, stderr, limitEvents } = await limited(
      'cpu_time: 1s',
      script('(while :; do :; done) & (while :; do :; done) & while :; do :; done'),
    );
    expect(code).toBe(137);
    expect(stderr).toContain('stopped: the CPU time limit was reached');
    expect(limitEvents).toMatchObject([{ reason: 'cpu_limit', subject: { kind: 'limit', limit: 'cpu' } }]);
  });

  it('counts the time of processes that have ended', async () => {
    // Each child uses a third of a second, and is gone before the next begins.
    const short = `sh -c 'i=0; while [ $i -lt 250000 ]; do i=$((i+1)); done'`;
    const { code } = await limited('cpu_time: 1s', script(`while :; do ${short}; done`));
    expect([137, 152]).toContain(code);
  });

  it('does not count time that is slept', async () => {
    expect(await limited('cpu_time: 1s', script('sleep 2; echo rested'))).toMatchObject({
      code: 0,
      stdout: 'rested\n',
      limitEvents: [],
    });
  });
});

describe('limits.disk', () => {
  it.each(['/tmp', '~', '/dev/shm'])(
    'bounds what %s takes, and the program sees a full disk',
    async (place) => {
      const { code, stderr } = await limited(
        'disk: 16MiB',
        script(
          `head -c 8000000 /dev/zero > ${place}/a && echo half >&2; head -c 32000000 /dev/zero > ${place}/b`,
        ),
      );
      expect(code).toBe(1);
      expect(stderr).toContain('half');
      expect(stderr).toMatch(/No space left on device/);
    },
  );

  it('is shared by all private directories', async () => {
    const { code, stderr } = await limited(
      'disk: 16MiB',
      script('head -c 10000000 /dev/zero > /tmp/a; head -c 10000000 /dev/zero > ~/b'),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('No space left');
  });

  it('does not bound what the program writes into the project', async () => {
    const text = 'head -c 32000000 /dev/zero > big && wc -c < big && rm big';
    expect(await limited('disk: 16MiB', script(text))).toMatchObject({ code: 0, stdout: '32000000\n' });
  });
});

describe('limits.processes', () => {
  it.skipIf(python === null)(
    'bounds how many processes there are at once, init and program included',
    async () => {
      const fork = `import errno, os, signal
children = []
try:
    while len(children) < 100:
        pid = os.fork()
        if pid == 0: signal.pause()
        children.append(pid)
except OSError as error:
    print(len(children), errno.errorcode[error.errno])`;
      expect(await limited('processes: 30', [python!, '-c', fork])).toMatchObject({
        code: 0,
        stdout: '28 EAGAIN\n',
      });
    },
  );

  it.skipIf(python === null)('bounds threads in the same way', async () => {
    const threads = `import threading
stop = threading.Event()
count = 0
try:
    while count < 100:
        threading.Thread(target=stop.wait, daemon=True).start()
        count += 1
except RuntimeError:
    print(count)
stop.set()`;
    expect(await limited('processes: 30', [python!, '-c', threads])).toMatchObject({
      code: 0,
      stdout: '28\n',
    });
  });

  it('cannot be raised inside', async () => {
    const text = 'ulimit -Hu; ulimit -u 100000 2>/dev/null || echo kept';
    expect((await limited('processes: 30', ['bash', '-c', text])).stdout).toBe('30\nkept\n');
  });

  it('is 512 where the policy says nothing', async () => {
    expect((await openshell(['run', '--', 'bash', '-c', 'ulimit -Hu; ulimit -Su'], here)).stdout).toBe(
      '512\n512\n',
    );
  });

  it('counts the processes of each sandbox by themselves', async () => {
    const policy = scratch.policy('version: 1\nlimits: {processes: 20}\n');
    const busy = [
      'run',
      '--policy',
      policy,
      '--',
      'bash',
      '-c',
      'for i in $(seq 15); do sleep 1 & done; wait; echo all',
    ];
    const both = await Promise.all([openshell(busy, here), openshell(busy, here)]);
    for (const done of both) expect(done).toMatchObject({ code: 0, stdout: 'all\n', stderr: '' });
  });
});

describe('limits.open_files', () => {
  it('bounds descriptors, and cannot be raised inside', async () => {
    const text =
      'ulimit -Hn; ulimit -n; ulimit -n 1000 2>/dev/null || echo kept; exec 40</dev/null && echo opened';
    const { stdout, stderr } = await limited('open_files: 32', ['bash', '-c', text]);
    expect(stdout).toBe('32\n32\nkept\n');
    expect(stderr).toMatch(/40: Bad file descriptor|Too many open files/);
  });
});

it('core dumps are off', async () => {
  expect((await openshell(['run', '--', 'sh', '-c', 'ulimit -c; ulimit -Hc'], here)).stdout).toBe('0\n0\n');
});
