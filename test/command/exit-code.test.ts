import { describe, expect, it } from 'vitest';
import { openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

describe('the exit code of run', () => {
  it.each([
    ['the one of the program', ['sh', '-c', 'exit 7'], 7],
    ['0 when the program succeeds', ['true'], 0],
    ['255, the highest a program can have', ['sh', '-c', 'exit 255'], 255],
    ['124 also when it is the program that chose it', ['sh', '-c', 'exit 124'], 124],
    ['128+9 when SIGKILL ended the program', ['sh', '-c', 'kill -KILL $$'], 137],
    ['128+15 when SIGTERM ended the program', ['sh', '-c', 'kill -TERM $$'], 143],
    ['128+6 when the program aborted', ['sh', '-c', 'kill -ABRT $$'], 134],
    ['128+11 when the program broke the memory rules', ['sh', '-c', 'kill -SEGV $$'], 139],
    [
      'the one of the program, not of a child that a signal ended',
      ['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit 3'],
      3,
    ],
    ['127 when the search path does not have the program', ['no-such-program'], 127],
    ['127 when there is no file of that name', ['/no/such/program'], 127],
    ['127 when the interpreter of a script is missing', ['./orphan'], 127],
    ['126 when the file is not executable', ['/etc/passwd'], 126],
    ['126 when it is a directory', ['/usr'], 126],
    ['126 when it has no format that the kernel knows', ['./noise'], 126],
    ['126 when the only match in the search path is not executable', ['plain'], 126],
  ])('is %s', async (_what, command, code) => {
    scratch.write('home/project/orphan', '#!/no/such/interpreter\n', 0o755);
    scratch.write('home/project/noise', '\x00\x01\x02\x03 no program\n', 0o755);
    scratch.write('home/project/bin/plain', '#!/bin/sh\n', 0o644);
    const PATH = `${scratch.project}/bin:/usr/bin:/bin`;
    const done = await openshell(['run', '--', ...command], { ...here, env: { PATH } });
    expect(done).toMatchObject({ code, signal: null, stdout: '' });
    if (code !== 126 && code !== 127) expect(done.stderr).not.toContain('openshell');
    else expect(done.stderr).toContain(`openshell: cannot execute ${command[0]}`);
  });

  it.each([
    ['an unknown option', ['run', '--no-such-option', '--', 'true'], 'no-such-option'],
    ['no program', ['run', '--'], 'no program was given'],
    ['a program without `--` before it', ['run', 'true'], 'write `--` before the program'],
    ['an empty time-out', ['run', '--timeout', '0', '--', 'true'], '--timeout 0'],
    ['a time-out that is no duration', ['run', '--timeout', 'soon', '--', 'true'], '--timeout soon'],
    ['an unknown network mode', ['run', '--network', 'some', '--', 'true'], '--network some'],
    ['an unknown tier', ['run', '--tier', 'magic', '--', 'true'], '--tier magic'],
    ['a variable without a name', ['run', '--env', '=x', '--', 'true'], '--env'],
    ['a host that cannot be one', ['run', '--allow', 'a b', '--', 'true'], '--allow a b'],
    ['a malformed --connect-to', ['run', '--connect-to', 'here', '--', 'true'], '--connect-to here'],
    ['--tty without a terminal', ['run', '--tty', '--', 'true'], '--tty'],
    ['--tty beside --no-tty', ['run', '--tty', '--no-tty', '--', 'true'], '--no-tty'],
    ['a user that is no number', ['run', '--user', 'me', '--', 'true'], '--user me'],
    ['uid 0', ['run', '--user', '0', '--', 'true'], '--user 0'],
  ])('is 125 for %s, and the message names it', async (_what, args, named) => {
    const done = await openshell(args, here);
    expect(done).toMatchObject({ code: 125, stdout: '' });
    expect(done.stderr).toContain(named);
    expect(done.stderr).toContain('openshell run --help');
  });

  it('is 127 for an empty program name', async () => {
    expect((await openshell(['run', '--', ''], here)).code).toBe(127);
  });
});

describe('an argument', () => {
  it.each([
    ['spaces and quotes', `it's a "test" of \\ things`],
    ['newlines', 'one\ntwo\n'],
    ['nothing', ''],
    ['a dash', '--help'],
    ['characters beyond ASCII', 'grüße, 世界, 🐚'],
    ['100,000 characters', 'x'.repeat(100_000)],
  ])('of %s reaches the program as it is', async (_what, argument) => {
    const done = await openshell(['run', '--', 'printf', '%s', argument], here);
    expect(done).toMatchObject({ code: 0, stdout: argument });
  });

  it('after `--` is never an option of openshell', async () => {
    const done = await openshell(['run', '--', 'echo', '--timeout', '1', '--', '-q'], here);
    expect(done).toMatchObject({ code: 0, stdout: '--timeout 1 -- -q\n' });
  });
});
