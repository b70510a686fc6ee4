import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { find, isRoot } from '../programs/support/host.ts';
import { environmentOf, finished, openshell, PACKAGE, start } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { until } from '../programs/support/waiting.ts';
import { tracesOf } from './support/leftovers.ts';

const scratch = useScratch();
/** A copy, so that its processes can be told from those of other runs on this machine. */
const script = join(scratch.root, 'package', 'dist', 'openshell.cjs');
const here = { cwd: scratch.project, home: scratch.home, script };
const traces = () => tracesOf(scratch.root, [scratch.root]);

beforeAll(async () => {
  for (const name of ['dist', 'launcher/bin'])
    cpSync(join(PACKAGE, name), join(scratch.root, 'package', name), { recursive: true });
  // What is remembered from run to run, the place for it included, is there from the third on.
  for (const _run of [1, 2]) await openshell(['run', '--', '/bin/true'], here);
});

/** Runs a shell script in which `"$@"` is openshell. */
function shell(text: string, patience: number): ReturnType<typeof finished> {
  const child = spawn('/bin/sh', ['-c', text, 'sh', process.execPath, script], {
    cwd: here.cwd,
    env: environmentOf(here),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return finished(child, patience);
}

describe('nothing is left behind', () => {
  it('by a thousand starts, four at a time', { timeout: 300_000 }, async () => {
    const before = traces();
    const done = await shell('seq 1000 | xargs -P 4 -I{} "$@" run -- /bin/true', 280_000);
    // xargs: 123 when a command failed.
    expect(done).toMatchObject({ code: 0, stdout: '', stderr: '' });
    await until('all of it is gone', () => JSON.stringify(traces()) === JSON.stringify(before), 5000).catch(
      () => {},
    );
    expect(traces()).toEqual(before);
  });

  it.each([
    ['a program that fails', ['run', '--', 'sh', '-c', 'exit 1']],
    ['a program that is missing', ['run', '--', '/no/such/program']],
    [
      'a program that leaves others behind',
      ['run', '--', 'sh', '-c', 'for i in 1 2 3 4 5; do setsid sleep 60 & done'],
    ],
    ['a program that kills all it can reach', ['run', '--', 'sh', '-c', 'kill -9 -1']],
    ['a time-out', ['run', '--timeout', '200ms', '--', 'sleep', '60']],
    ['a policy that is broken', ['run', '--policy', '/etc/passwd', '--', 'true']],
    ['a directory that is missing', ['run', '--workdir', '/no/such/place', '--', 'true']],
    ['an option that is unknown', ['run', '--no-such-option', '--', 'true']],
    ['an events file that cannot be opened', ['run', '--events', '/no/such/place/x', '--', 'true']],
    ['a path that disappears inside', ['run', '--write', '/dev/shm/no/such', '--', 'true']],
    [
      'private files',
      ['run', '--', 'sh', '-c', 'head -c 5000000 /dev/zero > /tmp/x; cp /tmp/x /dev/shm/; cp /tmp/x ~/x'],
    ],
    ['plan', ['plan']],
    ['doctor', ['doctor']],
  ])('by %s', async (_what, args) => {
    const before = traces();
    await openshell(args, here);
    const { files: _old, ...rest } = before;
    await until(
      'it is gone',
      () => JSON.stringify({ ...traces(), files: 0 }) === JSON.stringify({ ...rest, files: 0 }),
      5000,
    ).catch(() => {});
    const { files, ...after } = traces();
    expect(after).toEqual(rest);
    // A new policy may be remembered; nothing else is new.
    const fresh = files!.filter((file) => !before['files']!.includes(file));
    for (const file of fresh) expect(file).toMatch(/\/\.cache\/openshell\/(plans|host)\/[0-9a-f]+$/);
  });

  it('of a sandbox with a proxy when openshell is killed in the middle of it', async () => {
    const before = traces();
    const child = start(
      ['run', '--allow', 'a.test', '--', 'sh', '-c', `echo ready; sleep 60 & setsid sleep 60`],
      here,
    );
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    const done = finished(child);
    await until('the program runs', () => output.includes('ready'));
    child.kill('SIGKILL');
    await done;
    await until(
      'its processes are gone',
      () => traces()['processes']!.length === before['processes']!.length,
      5000,
    );
    expect({ ...traces(), files: 0 }).toEqual({ ...before, files: 0 });
  });
});

describe.skipIf(find('python3') === null)('processes that have ended', () => {
  /** Runs openshell below a process that inherits orphans (PR_SET_CHILD_SUBREAPER), and says how many it inherited. */
  async function orphansOf(args: readonly string[]): Promise<string> {
    const reaper = [
      'import ctypes, os, subprocess, sys, time',
      'ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)',
      'subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)',
      'time.sleep(0.5)',
      'count = 0',
      'try:',
      '    while os.waitpid(-1, os.WNOHANG)[0] != 0: count += 1',
      'except ChildProcessError: pass',
      'print(count)',
    ].join('\n');
    const child = spawn(find('python3')!, ['-c', reaper, process.execPath, script, ...args], {
      cwd: here.cwd,
      env: environmentOf(here),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return (await finished(child)).stdout.trim();
  }

  it.each([
    ['a run', ['run', '--', 'true']],
    ['a run that leaves processes', ['run', '--', 'sh', '-c', 'setsid sleep 60 & sleep 60 &']],
    ['a time-out', ['run', '--timeout', '200ms', '--', 'sleep', '60']],
    ['a missing program', ['run', '--', '/no/such/program']],
  ])('are waited for by openshell: %s', async (_what, args) => {
    expect(await orphansOf(args)).toBe('0');
  });

  // The launcher is started before the plan is made, and left to whoever waits for orphans: in many containers nobody.
  it.each([
    ['a broken policy', ['run', '--policy', '/etc/passwd', '--', 'true']],
    ['a missing directory', ['run', '--workdir', '/no/such/place', '--', 'true']],
    ['an events file that cannot be opened', ['run', '--events', '/no/such/place/x', '--', 'true']],
  ])('are waited for by openshell: %s', async (_what, args) => {
    expect(await orphansOf(args)).toBe('0');
  });
});

describe.skipIf(find('unshare') === null || isRoot)('namespaces', () => {
  it('are given back: many starts do with few', async () => {
    // Limits of a user namespace count everything below it (namespaces(7), /proc/sys/user).
    const inner = `exec unshare --user --map-user=1000 --map-group=1000 -- sh -c '
      i=0; while [ $i -lt 80 ]; do "$@" run -- /bin/true || exit 1; i=$((i+1)); done; echo all' sh "$@"`;
    const outer = `for kind in user mnt pid net ipc uts cgroup; do echo 20 > /proc/sys/user/max_\${kind}_namespaces; done
      ${inner}`;
    const child = spawn('unshare', ['-Ur', '--', 'sh', '-c', outer, 'sh', process.execPath, script], {
      cwd: here.cwd,
      env: environmentOf(here),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(await finished(child)).toMatchObject({ code: 0, stdout: 'all\n', stderr: '' });
  });
});
