/** What can be done with the three descriptors that a program is given, when the caller gave something unusual. */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandOptions, runCommand } from '../support/command.ts';
import { Listeners } from '../support/listeners.ts';
import { isRoot } from '../support/product.ts';
import { unavailable, Workplace } from './workplace.ts';

let place: Workplace;
const listeners = new Listeners();
let outside: string;
beforeAll(async () => {
  if (unavailable !== null) return;
  place = new Workplace('standard-streams');
  outside = place.scratch.directory('outside');
  place.write('file', 'SECRET\n', outside);
  await listeners.unix('unix', join(outside, 'socket'));
});
afterAll(() => {
  listeners.close();
  place?.remove();
});

/** Runs a script without a sandbox, or in one, with what it is given. @returns its standard error */
async function run(
  sandboxed: boolean,
  script: string,
  given: Pick<CommandOptions, 'input' | 'output'>,
): Promise<string> {
  const command = ['/bin/sh', '-c', script, place.probe];
  const how = { cwd: place.project, env: place.environment, ...given };
  const { stderr } = sandboxed
    ? await runCommand(place.commandLine(['--quiet'], command), how)
    : await runCommand(command, how);
  return stderr;
}

function withOpen<T>(path: string, flags: string, work: (fd: number) => Promise<T>): Promise<T> {
  const fd = openSync(path, flags);
  return work(fd).finally(() => closeSync(fd));
}

const BOTH = [
  ['without a sandbox', false],
  ['in a sandbox', true],
] as const;

describe.skipIf(unavailable !== null)('standard output', () => {
  it.each(BOTH)(
    'that is a file is not opened for reading or writing again: %s',
    async (_where, sandboxed) => {
      const file = place.write('output', 'BEFORE\n', outside);
      const script = 'cat /proc/self/fd/1 >&2; exec 5<> /proc/self/fd/1; grep -q BEFORE <&5 && echo READ >&2';
      const stderr = await withOpen(file, 'a', (fd) => run(sandboxed, script, { output: fd }));
      expect(stderr.includes('BEFORE') || stderr.includes('READ')).toBe(!sandboxed);
    },
  );
});

/** Started on a terminal with another standard input, openshell passes the terminal on as standard output. */
describe.skipIf(unavailable !== null)('standard output that is a terminal', () => {
  const READ = 'read line <&1 && [ "$line" = typed ]';
  const onTerminal = async (command: readonly string[]): Promise<string> => {
    const start = [place.probe, 'typed-on-terminal', '/bin/sh', '-c', '"$@" < /dev/null', 'sh', ...command];
    return (await runCommand(start, { cwd: place.project, env: place.environment })).stdout;
  };

  it('is read from without a sandbox', async () => {
    expect(await onTerminal(['/bin/sh', '-c', READ])).toBe('ok\n');
  });

  it.fails('is not read from: what is typed there is not meant for the program', async () => {
    expect(await onTerminal(place.commandLine(['--quiet'], ['/bin/sh', '-c', READ]))).not.toBe('ok\n');
  });
});

/** Everybody who writes to a pipe can also read it by /proc/self/fd: what others write there as well. */
describe.skipIf(unavailable !== null)('standard output that is a pipe with other writers', () => {
  const READ = 'exec 3< /proc/self/fd/1; read line <&3; [ "$line" = OF-ANOTHER ] && echo READ >&2; :';
  /** Who ought to read the pipe never does; what another process wrote stays in it. */
  const beside = async (command: readonly string[]): Promise<string> => {
    const start = ['/bin/sh', '-c', '{ echo OF-ANOTHER; "$@"; } | sleep 0', 'sh', ...command];
    return (await runCommand(start, { cwd: place.project, env: place.environment })).stderr;
  };

  it('is read from without a sandbox', async () => {
    expect(await beside(['/bin/sh', '-c', READ])).toContain('READ');
  });

  it.skipIf(isRoot).fails('is not read from', async () => {
    expect(await beside(place.commandLine(['--quiet'], ['/bin/sh', '-c', READ]))).not.toContain('READ');
  });
});

describe.skipIf(unavailable !== null)('standard input', () => {
  it.each(BOTH)('that is a file for reading is not opened for writing: %s', async (_where, sandboxed) => {
    const file = place.write(`input-${sandboxed}`, 'old\n', outside);
    await withOpen(file, 'r', (fd) => run(sandboxed, 'echo forged > /proc/self/fd/0', { input: fd }));
    expect(readFileSync(file, 'utf8') === 'old\n').toBe(sandboxed);
  });

  it.each(BOTH)('that is a directory gives no file of it: %s', async (_where, sandboxed) => {
    const stderr = await withOpen(outside, 'r', (fd) =>
      run(sandboxed, 'cat /proc/self/fd/0/file >&2', { input: fd }),
    );
    expect(stderr.includes('SECRET')).toBe(!sandboxed);
  });

  it('that is a directory is a way to its sockets without a sandbox', async () => {
    const script = '"$0" unix-stream /proc/self/fd/0/socket >&2';
    expect(await withOpen(outside, 'r', (fd) => run(false, script, { input: fd }))).toBe('ok\n');
  });

  it.fails('that is a directory is no way to its sockets', async () => {
    const script = '"$0" unix-stream /proc/self/fd/0/socket >&2';
    expect(await withOpen(outside, 'r', (fd) => run(true, script, { input: fd }))).not.toContain('ok');
  });

  it.fails('that is a directory is no way to the files that it does not hold', async () => {
    const script = '[ -e /proc/self/fd/0/../home ] && echo SEEN >&2';
    expect(await withOpen(outside, 'r', (fd) => run(true, script, { input: fd }))).not.toContain('SEEN');
  });

  it.skipIf(isRoot).fails('that is a directory is no way to change the mode of its files', async () => {
    const file = place.write('mode', 'x\n', outside);
    await withOpen(outside, 'r', (fd) => run(true, 'chmod 0777 /proc/self/fd/0/mode', { input: fd }));
    expect((statSync(file).mode & 0o777).toString(8)).toBe('644');
  });

  it.each([
    ['stream', 'tcp'],
    ['datagram', 'udp'],
  ])('that is an internet socket of the host cannot be connected: %s', async (_kind, type) => {
    const port =
      type === 'tcp' ? await listeners.tcp('tcp', '127.0.0.1') : await listeners.udp('udp', '127.0.0.1');
    // The probe program gives its own socket to what it starts.
    const start = [
      place.probe,
      'with-socket',
      type,
      ...place.commandLine(['--quiet'], [place.probe, 'connect-input', '127.0.0.1', String(port)]),
    ];
    const { stdout } = await runCommand(start, { cwd: place.project, env: place.environment });
    expect(stdout).toContain('errno 13');
    expect(listeners.reached).not.toContain(type);
  });

  it.fails('that is a datagram socket of the host sends nothing', async () => {
    const port = await listeners.udp('datagram', '127.0.0.1');
    const start = [
      place.probe,
      'with-socket',
      'udp',
      ...place.commandLine(['--quiet'], [place.probe, 'send-input', '127.0.0.1', String(port)]),
    ];
    await runCommand(start, { cwd: place.project, env: place.environment });
    expect(listeners.reached).not.toContain('datagram');
  });
});
