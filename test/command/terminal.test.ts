import { describe, expect, it } from 'vitest';
import { find } from '../programs/support/host.ts';
import { allProcesses, argumentsOf } from '../programs/support/processes.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { until } from '../programs/support/waiting.ts';
import { noTerminal, onTerminal, type Step } from './support/terminal.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

/** Runs a shell script inside, on a terminal. */
const script = (text: string, steps: readonly Step[], options: readonly string[] = []) =>
  onTerminal(['run', ...options, '--', 'sh', '-c', text], steps, here);

describe.skipIf(noTerminal !== null)('on a terminal, the program', () => {
  it('has a terminal of its own on all three descriptors, and it controls its session', async () => {
    const { output, status } = await script(
      '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && tty && echo through >/dev/tty && ls /dev/pts',
      [],
    );
    expect({ output, status }).toEqual({ output: '/dev/pts/0\r\nthrough\r\n0  ptmx\r\n', status: 0 });
  });

  it('sees the size of the window, and its changes', async () => {
    const { output } = await script(
      'stty size; trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.05; done',
      [{ expect: '31 97\r\nready' }, { resize: [20, 61] }, { expect: '20 61' }],
    );
    expect(output).toBe('31 97\r\nready\r\n20 61\r\n');
  });

  it('starts with the settings of the caller, and what it changes there is its own', async () => {
    const { output, restored } = await script('stty -a | grep -o " echo "; stty raw -echo; echo x', []);
    expect(output).toBe(' echo \r\nx\n');
    expect(restored).toBe(true);
  });

  it.each([
    ['TERM as the caller has it', {}, 'xterm\r\n'],
    ['a usual TERM where the caller has none', { TERM: '' }, 'xterm-256color\r\n'],
  ])('has %s', async (_what, env, output) => {
    const done = await onTerminal(['run', '--', 'sh', '-c', 'echo "$TERM"'], [], { ...here, env });
    expect(done.output).toBe(output);
  });

  it.each([
    ['Ctrl-C', '\x03', 130],
    ['Ctrl-\\', '\x1c', 131],
  ])('is ended by %s, typed, with its usual code', async (_key, send, code) => {
    const done = await script('echo ready; exec sleep 60', [{ expect: 'ready' }, { send }]);
    expect(done).toMatchObject({ status: code, restored: true });
  });

  it('may handle Ctrl-C itself, and openshell stays', async () => {
    const done = await script(`trap 'echo not yet' INT; echo ready; read line; read line; echo "got $line"`, [
      { expect: 'ready' },
      { send: '\x03' },
      { expect: 'not yet' },
      { send: 'one\r' },
      { send: 'two\r' },
      { expect: 'got' },
    ]);
    expect(done).toMatchObject({ status: 0, restored: true });
  });

  it('reads what is typed, and Ctrl-D ends its input', async () => {
    const done = await script('echo ready; cat; echo "code $?"', [
      { expect: 'ready' },
      { send: 'hello\r' },
      { expect: 'hello.*hello' },
      { send: '\x04' },
    ]);
    expect(done.output).toBe('ready\r\nhello\r\nhello\r\ncode 0\r\n');
  });

  it('gets every byte of a long paste', async () => {
    const done = await script('stty raw -echo; echo ready; head -c 200000 | wc -c', [
      { expect: 'ready' },
      { paste: ['0123456789', 20_000] },
      { expect: '200000' },
    ]);
    expect(done).toMatchObject({ status: 0, restored: true });
  });

  it('has every byte of a long output shown, also what it wrote just before it ended', async () => {
    const done = await script(`head -c 1000000 /dev/zero | tr '\\0' x; printf end`, []);
    expect(done.output.length).toBe(1_000_003);
    expect(done.output.endsWith('xend')).toBe(true);
  });

  it('ends the run when it ends, although a child of it keeps the terminal open', async () => {
    const done = await script('(trap "" HUP; sleep 60) & echo done', []);
    expect(done).toMatchObject({ output: 'done\r\n', status: 0 });
  });

  it('runs without a terminal of its own after --no-tty, on the one of the caller', async () => {
    const done = await script('[ -t 0 ] && [ -t 1 ] && stty size; ls /dev/pts', [], ['--no-tty']);
    expect(done).toMatchObject({ output: '31 97\r\nptmx\r\n', status: 0 });
  });
});

describe.skipIf(noTerminal !== null || find('bash') === null)('job control in a shell inside', () => {
  it('stops, lists, continues and interrupts jobs', async () => {
    const prompt = '\\$> ';
    // It starts no programs: a shell that waits in vfork(2) for a child that was stopped meanwhile does not stop itself.
    const done = await onTerminal(
      ['run', '--env', 'PS1=$> ', '--', 'bash', '--norc', '--noprofile', '-i'],
      [
        { expect: prompt },
        { send: `sh -c 'trap "echo go o""n" CONT; echo u""p; while :; do :; done'\r` },
        { expect: 'up\r\n' },
        { send: '\x1a' },
        { expect: 'Stopped' },
        { expect: prompt },
        { send: 'sleep 61 &\r' },
        { expect: prompt },
        { send: 'jobs\r' },
        { expect: 'Stopped.*Running.*sleep 61' },
        { expect: prompt },
        { send: 'fg %1\r' },
        { expect: 'go on\r\n' }, // by then the terminal is the job's
        { send: '\x03' },
        { expect: prompt },
        { send: 'kill %2; wait; jobs; exit 5\r' },
      ],
      here,
    );
    expect(done.output).not.toMatch(/no job control|cannot set terminal process group/);
    expect(done).toMatchObject({ status: 5, restored: true });
  });
});

describe.skipIf(noTerminal !== null)('on a terminal, openshell', () => {
  const refusedThenBusy =
    'unshare -U true 2>/dev/null; unshare -U true 2>/dev/null; sleep 1.5; echo still here';

  it('says nothing while the program runs, and what was refused after it', async () => {
    const { output } = await script(refusedThenBusy, []);
    expect(output.replaceAll('\r\n', '\n')).toMatch(
      /^still here\nopenshell: refused: \S+unshare may not call unshare \(namespaces\): EPERM \(2 times\)\n$/,
    );
  });

  it('says nothing at all with --quiet', async () => {
    expect((await script(refusedThenBusy, [], ['--quiet'])).output).toBe('still here\r\n');
  });

  it.each([
    ['the program ends', 'exit 0', [], 0],
    ['the program is killed', 'stty raw -echo; kill -9 $$', [], 137],
    [
      'openshell is asked to end',
      'echo ready; exec sleep 60',
      [{ expect: 'ready' }, { signal: 'TERM' }],
      143,
    ],
    ['openshell is killed', 'echo ready; exec sleep 60', [{ expect: 'ready' }, { signal: 'KILL' }], 137],
    ['openshell breaks off', 'echo ready; exec sleep 60', [{ expect: 'ready' }, { signal: 'ABRT' }], 134],
  ] satisfies [string, string, Step[], number][])(
    'restores the settings of the terminal when %s',
    async (_when, text, steps, status) => {
      expect(await script(text, steps)).toMatchObject({ status, restored: true });
    },
  );

  it('restores them when the time is up', async () => {
    expect(await script('exec sleep 60', [], ['--timeout', '300ms'])).toMatchObject({
      status: 124,
      restored: true,
    });
  });

  it('restores them when the program cannot be started', async () => {
    const done = await onTerminal(['run', '--', '/no/such/program'], [], here);
    expect(done).toMatchObject({ status: 127, restored: true });
    expect(done.output).toBe('openshell: cannot execute /no/such/program: not found inside the sandbox\r\n');
  });

  const hangUp = (mark: string): ReturnType<typeof script> =>
    script(`echo ready; sleep ${mark}`, [{ expect: 'ready' }, { hangup: true }, { wait: true }]);

  it('ends with the program when the terminal is closed, and leaves nothing', async () => {
    const mark = String(100_000 + process.pid);
    await hangUp(mark);
    await until(
      'no process of it is left',
      () => !allProcesses().some(({ pid }) => argumentsOf(pid).includes(mark)),
    );
  });

  // Node itself aborts: it cannot put back the settings of a terminal that is gone (ResetStdio in node.cc).
  it('has the code of SIGHUP then', async () => {
    expect((await hangUp('60')).status).toBe(129);
  });
});
