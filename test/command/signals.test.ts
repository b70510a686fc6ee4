import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { environmentOf, finished, OPENSHELL, openshell, start } from '../programs/support/openshell.ts';
import { descendant, processOf } from '../programs/support/processes.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { pause, until } from '../programs/support/waiting.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

/** Starts a shell script inside and waits for the line `ready` that it prints. */
async function ready(script: string) {
  const child = start(['run', '--', 'sh', '-c', script], here);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const done = finished(child);
  await until('the program is ready', () => output.includes('ready'));
  return { child, pid: child.pid!, done, output: () => output };
}

/** Prints the name of the signal that arrives, and leaves with 42. */
const trapping = (name: string): string =>
  `trap 'echo got ${name}; exit 42' ${name}; echo ready; while :; do sleep 0.05; done`;

describe('a signal to openshell', () => {
  it.each(['INT', 'QUIT', 'HUP', 'TERM', 'USR1', 'USR2', 'ALRM'] as const)(
    'SIG%s reaches a program that handles it, and openshell waits for the program',
    async (name) => {
      const { child, done } = await ready(trapping(name));
      child.kill(`SIG${name}`);
      expect(await done).toMatchObject({ code: 42, signal: null, stdout: `ready\ngot ${name}\n` });
    },
  );

  it.each([
    ['INT', 130],
    ['QUIT', 131],
    ['HUP', 129],
    ['TERM', 143],
    ['USR1', 138],
    ['USR2', 140],
    ['ALRM', 142],
  ] as const)('SIG%s ends a program that does not handle it, and the code is %i', async (name, code) => {
    const { child, done } = await ready('echo ready; exec sleep 60');
    child.kill(`SIG${name}`);
    expect(await done).toMatchObject({ code, signal: null });
  });

  it.each(['INT', 'QUIT', 'HUP'] as const)(
    'SIG%s, which a terminal sends, reaches the children in the group of the program too',
    async (name) => {
      const inner = `trap 'echo child; exit 0' ${name}; echo ready; while :; do sleep 0.05; done`;
      const { child, done } = await ready(`trap 'echo parent; exit 0' ${name}; sh -c "${inner}"; sleep 60`);
      child.kill(`SIG${name}`);
      expect(await done).toMatchObject({ code: 0, stdout: 'ready\nchild\nparent\n' });
    },
  );

  it('SIGTERM reaches the program alone, which decides about its children', async () => {
    const script = `sh -c 'trap "echo child; exit 0" TERM; echo ready; while :; do sleep 0.05; done' &
      trap 'echo parent; kill -USR1 $!; exit 0' TERM; wait`;
    const { child, done } = await ready(script);
    child.kill('SIGTERM');
    expect(await done).toMatchObject({ code: 0, stdout: 'ready\nparent\n' });
  });

  it('may come many times, and each reaches the program', async () => {
    const { child, done, output } = await ready(
      `n=0; trap 'n=$((n+1)); echo $n; [ $n = 5 ] && exit 0' USR1; echo ready; while :; do sleep 0.02; done`,
    );
    for (let i = 1; i <= 5; i += 1) {
      child.kill('SIGUSR1');
      await until(`signal ${i} is counted`, () => output().includes(`${i}\n`));
    }
    expect(await done).toMatchObject({ code: 0, stdout: 'ready\n1\n2\n3\n4\n5\n' });
  });

  it('at any moment of the start leaves nothing running', async () => {
    for (let delay = 0; delay < 60; delay += 3) {
      const child = start(['run', '--', 'sleep', '60'], here);
      const done = finished(child);
      await pause(delay);
      const inside = descendant(child.pid!, 'openshell-launc')?.pid ?? null;
      child.kill('SIGTERM');
      const { code, signal } = await done;
      // Before Node has its handlers, the signal ends Node as it would end any program.
      expect(code ?? signal).toBe(code === null ? 'SIGTERM' : 143);
      if (inside !== null)
        await until('the launcher is gone', () => processOf(inside)?.name !== 'openshell-launc');
    }
  });
});

describe('stopping and continuing', () => {
  it('SIGTSTP stops openshell and the program; SIGCONT continues both', async () => {
    const { child, pid, done } = await ready('echo ready; exec sleep 60');
    try {
      child.kill('SIGTSTP');
      await until('openshell is stopped', () => processOf(pid)?.state === 'T');
      await until('the program is stopped', () => descendant(pid, 'sleep')?.state === 'T', 2000);
      child.kill('SIGCONT');
      await until('openshell goes on', () => processOf(pid)?.state !== 'T');
      await until('the program goes on', () => descendant(pid, 'sleep')?.state === 'S');
    } finally {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      await done;
    }
  });

  it('SIGCONT that comes before the stop prevents it', async () => {
    const { child, pid, done } = await ready('echo ready; exec sleep 60');
    child.kill('SIGTSTP');
    await pause(5);
    child.kill('SIGCONT');
    await pause(300);
    const states = [processOf(pid)?.state, descendant(pid, 'sleep')?.state];
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await done;
    expect(states).toEqual(['S', 'S']);
  });

  it('SIGCONT continues openshell after SIGTSTP, and it still ends as the program does', async () => {
    const { child, pid, done } = await ready(trapping('TERM'));
    child.kill('SIGTSTP');
    await until('openshell is stopped', () => processOf(pid)?.state === 'T');
    child.kill('SIGCONT');
    await until('openshell goes on', () => processOf(pid)?.state !== 'T');
    child.kill('SIGTERM');
    expect(await done).toMatchObject({ code: 42, stdout: 'ready\ngot TERM\n' });
  });
});

describe('the state of signals that the program starts with', () => {
  it('is the default, whatever openshell was started with', async () => {
    // Signals that are ignored or blocked are inherited over execve(2); nohup and some runners leave them so.
    const script = 'trap "" INT HUP PIPE TERM USR2; exec "$@"';
    const inside = 'grep -E "^Sig(Blk|Ign)" /proc/self/status';
    const args = [process.execPath, OPENSHELL, 'run', '--', 'sh', '-c', inside];
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...args], {
      cwd: here.cwd,
      env: environmentOf(here),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout } = await finished(child);
    expect(stdout).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
  });

  it('lets the program die quietly of SIGPIPE when nobody reads what it writes', async () => {
    // A real pipe: what Node makes for `stdio` is a socket, which answers with an error first.
    const script = '{ "$@"; echo "code $?" >&2; } | head -n 1';
    const args = [process.execPath, OPENSHELL, 'run', '--', 'yes'];
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...args], {
      cwd: here.cwd,
      env: environmentOf(here),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(await finished(child)).toMatchObject({ code: 0, stdout: 'y\n', stderr: 'code 141\n' });
  });
});

it('ends when the program ends, although processes that it left behind would go on', async () => {
  const done = await openshell(['run', '--', 'sh', '-c', 'sleep 60 & setsid sleep 60 & echo done'], here);
  expect(done).toMatchObject({ code: 0, stdout: 'done\n' });
});
