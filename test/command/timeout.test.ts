import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { environmentOf, eventsOf, finished, OPENSHELL, openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

describe('--timeout', () => {
  it('sends SIGTERM, which the program may handle, and the code is 124 whatever the program says', async () => {
    const script = `trap 'echo saving; exit 3' TERM; while :; do sleep 0.05; done`;
    const done = await openshell(['run', '--timeout', '400ms', '--', 'sh', '-c', script], here);
    expect(done).toMatchObject({ code: 124, stdout: 'saving\n' });
    expect(done.stderr).toContain('openshell: stopped: the time limit was reached (wall_time 400ms)\n');
  });

  it('sends SIGKILL 5 seconds later to what ignores SIGTERM', async () => {
    const script = `trap '' TERM; sleep 60 & while :; do sleep 1; echo tick; done`;
    const done = await openshell(['run', '--timeout', '300ms', '--', 'sh', '-c', script], here);
    expect(done).toMatchObject({ code: 124 });
    // It went on after SIGTERM, and not for ever.
    expect(done.stdout.split('\n').length).toBeGreaterThan(2);
  });

  it('reaches the children in the group of the program as well', async () => {
    const script = `trap 'wait; exit 0' TERM; sh -c 'trap "echo child; exit 0" TERM; while :; do sleep 0.05; done' & wait`;
    const done = await openshell(['run', '--timeout', '400ms', '--', 'sh', '-c', script], here);
    expect(done).toMatchObject({ code: 124, stdout: 'child\n' });
  });

  it('changes nothing for a program that ends in time', async () => {
    expect(await openshell(['run', '--timeout', '1m', '--', 'sh', '-c', 'exit 4'], here)).toMatchObject({
      code: 4,
      stderr: '',
    });
  });

  // setTimeout of Node takes 2^31-1 ms at most and fires at once beyond.
  it('may be longer than a timer of Node can be set', async () => {
    const done = await openshell(['run', '--timeout', '1000h', '--', 'sh', '-c', 'sleep 0.3; exit 4'], here);
    expect(done).toMatchObject({ code: 4, stderr: '' });
  });

  it('ends a program that keeps standard error full, which nobody reads', async () => {
    const script = 'mkfifo "$0/f"; exec 3<>"$0/f"; "$@" 2>&3; echo "code $?"';
    const inside = 'head -c 65536 /dev/zero >&2; unshare -U true 2>/dev/null; sleep 60';
    const args = [process.execPath, OPENSHELL, 'run', '--timeout', '1s', '--', 'sh', '-c', inside];
    const child = spawn('/bin/sh', ['-c', script, scratch.root, ...args], {
      cwd: here.cwd,
      env: environmentOf(here),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(await finished(child, 30_000)).toMatchObject({ stdout: 'code 124\n' });
  });

  const besideLimit = async (option: string, limit: string): Promise<unknown> => {
    const policy = scratch.policy(`version: 1\nlimits: {wall_time: ${limit}}\n`);
    const events = `${scratch.root}/events-${option}`;
    const args = ['run', '--policy', policy, '--timeout', option, '--events', events, '--', 'sleep', '60'];
    expect((await openshell(args, here)).code).toBe(124);
    return eventsOf(events)
      .filter(({ reason }) => reason === 'wall_time_limit')
      .map(({ subject }) => subject);
  };

  it('wins over a longer limits.wall_time, and the event gives its value', async () => {
    expect(await besideLimit('300ms', '30s')).toEqual([{ kind: 'limit', limit: 'wall_time', value: 300 }]);
  });

  // The policy's time is kept, but the event gives the option's.
  it('loses to a shorter limits.wall_time, and the event gives that value', async () => {
    expect(await besideLimit('30s', '1s')).toEqual([{ kind: 'limit', limit: 'wall_time', value: 1000 }]);
  });
});
