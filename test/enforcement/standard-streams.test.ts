/** What can be done with the three descriptors that a program is given, when the caller gave something unusual. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandOptions, type Outcome, runCommand } from '../support/command.ts';
import { Listeners } from '../support/listeners.ts';
import { isRoot } from '../support/product.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  const listeners = new Listeners();
  let outside: string;
  beforeAll(() => {
    place = new Workplace('standard-streams', tier);
    outside = place.scratch.directory('outside');
    place.write('file', 'SECRET\n', outside);
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

  describe('standard output', () => {
    it.each(BOTH)(
      'that is a file is not opened for reading or writing again: %s',
      async (_where, sandboxed) => {
        const file = place.write('output', 'BEFORE\n', outside);
        const script =
          'cat /proc/self/fd/1 >&2; exec 5<> /proc/self/fd/1; grep -q BEFORE <&5 && echo READ >&2';
        const stderr = await withOpen(file, 'a', (fd) => run(sandboxed, script, { output: fd }));
        expect(stderr.includes('BEFORE') || stderr.includes('READ')).toBe(!sandboxed);
      },
    );
  });

  /** Started on a terminal with another standard input, openshell passes the terminal on as standard output. */
  describe('standard output that is a terminal', () => {
    const READ = 'read line <&1 && [ "$line" = typed ]';
    const onTerminal = async (command: readonly string[]): Promise<string> => {
      const start = [place.probe, 'typed-on-terminal', '/bin/sh', '-c', '"$@" < /dev/null', 'sh', ...command];
      return (await runCommand(start, { cwd: place.project, env: place.environment })).stdout;
    };

    it('is read from without a sandbox', async () => {
      expect(await onTerminal(['/bin/sh', '-c', READ])).toBe('ok\n');
    });

    it('is not read from: what is typed there is not meant for the program', async () => {
      expect(await onTerminal(place.commandLine(['--quiet'], ['/bin/sh', '-c', READ]))).not.toBe('ok\n');
    });

    const OPEN =
      'for name in /proc/self/fd/1 /dev/stdout /dev/tty; do read line < $name && exit 0; done; exit 1';

    it('is opened again for reading without a sandbox', async () => {
      expect(await onTerminal(['/bin/sh', '-c', OPEN])).toBe('ok\n');
    });

    const isNotOpened = async (...options: string[]): Promise<void> => {
      const inside = place.commandLine(['--quiet', ...options], ['/bin/sh', '-c', OPEN]);
      expect(await onTerminal(inside)).not.toBe('ok\n');
    };
    it.each([[[]], [['--read', '/']]])('is not opened again for reading: %j', (options) =>
      isNotOpened(...options),
    );
    // Without a private root /dev is that of the host, with all terminals of the user.
    it('is not opened again for reading: --read /dev', () => isNotOpened('--read', '/dev'));

    it('is still a terminal, and written to', async () => {
      const script = '[ -t 1 ] && echo shown && [ ! -t 0 ]';
      expect(await onTerminal(place.commandLine(['--quiet'], ['/bin/sh', '-c', script]))).toBe('ok\n');
    });
  });

  describe('standard input that is a terminal', () => {
    /** Standard output is a file. */
    const onTerminal = async (script: string): Promise<string> => {
      const inner = place.commandLine(['--quiet', '--no-tty'], ['/bin/sh', '-c', script]);
      const start = [place.probe, 'typed-on-terminal', '/bin/sh', '-c', '"$@" > /dev/null', 'sh', ...inner];
      return (await runCommand(start, { cwd: place.project, env: place.environment })).stdout;
    };

    it('is read from, and not written to', async () => {
      expect(await onTerminal('[ -t 0 ] && read line && [ "$line" = typed ] && ! echo x >&0')).toBe('ok\n');
    });

    it('is read from when it was opened as /dev/tty', async () => {
      const inner = place.commandLine(
        ['--quiet', '--no-tty'],
        ['/bin/sh', '-c', 'read line && [ "$line" = typed ]'],
      );
      const command = ['/bin/sh', '-c', '"$@" <> /dev/tty > /dev/null', 'sh', ...inner];
      const start = [place.probe, 'typed-on-terminal', ...command];
      expect((await runCommand(start, { cwd: place.project, env: place.environment })).stdout).toBe('ok\n');
    });

    it.skipIf(isRoot)('that its user may not open is refused, with a way out', async () => {
      // As after su(1), which leaves the terminal to its owner.
      const said = place.write('said', '', outside);
      const script = 'chmod 0 /proc/self/fd/0 && "$@" > /dev/null 2> "$0"';
      const inner = place.commandLine(['--no-tty'], ['/bin/true']);
      await runCommand([place.probe, 'typed-on-terminal', '/bin/sh', '-c', script, said, ...inner], {
        cwd: place.project,
        env: place.environment,
      });
      expect(readFileSync(said, 'utf8')).toMatch(
        /standard input is a terminal that cannot be opened for reading alone: EACCES.*redirect it: .*--tty/s,
      );
    });
  });

  /** Everybody who writes to a pipe can also read it by /proc/self/fd: what others write there as well. */
  describe('standard output that is a pipe with other writers', () => {
    const READ = 'exec 3< /proc/self/fd/1; read line <&3; [ "$line" = OF-ANOTHER ] && echo READ >&2; :';
    /** Who ought to read the pipe never does; what another process wrote stays in it. */
    const beside = async (command: readonly string[]): Promise<string> => {
      const start = ['/bin/sh', '-c', '{ echo OF-ANOTHER; "$@"; } | sleep 1', 'sh', ...command];
      return (await runCommand(start, { cwd: place.project, env: place.environment })).stderr;
    };

    it('is read from without a sandbox', async () => {
      expect(await beside(['/bin/sh', '-c', READ])).toContain('READ');
    });

    it.skipIf(isRoot).fails('is not read from', async () => {
      expect(await beside(place.commandLine(['--quiet'], ['/bin/sh', '-c', READ]))).not.toContain('READ');
    });
  });

  describe('standard input', () => {
    it.each(BOTH)('that is a file for reading is not opened for writing: %s', async (_where, sandboxed) => {
      const file = place.write(`input-${sandboxed}`, 'old\n', outside);
      await withOpen(file, 'r', (fd) => run(sandboxed, 'echo forged > /proc/self/fd/0', { input: fd }));
      expect(readFileSync(file, 'utf8') === 'old\n').toBe(sandboxed);
    });

    it.each([
      ['a directory', 'directory'],
      ['a path without its content', 'path'],
      ['a descriptor of an unusual kind', 'epoll'],
      ['a socket without a peer', 'tcp'],
      ['a socket without a peer', 'unix'],
      ['a socket that is neither a Unix stream nor TCP', 'udp'],
      ['a socket that is neither a Unix stream nor TCP', 'unix-datagram-pair'],
      ['a terminal that cannot be opened for reading alone', 'terminal-master'],
    ])('that is %s runs nothing, and says why: %s', async (what, kind) => {
      const command = place.commandLine([], ['/bin/sh', '-c', 'echo RUN']);
      const { code, stdout, stderr } =
        kind === 'directory'
          ? await withOpen(outside, 'r', (fd) => start(command, fd))
          : await start([place.probe, 'with-input', kind, ...command]);
      expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
      expect(stderr).toContain(`standard input is ${what}`);
      expect(stderr).toContain('redirect it: `< /dev/null`');
    });

    it.each([['tcp-connected'], ['unix-stream-pair'], ['unix-packet-pair'], ['memfd']])(
      'of a usual kind is passed: %s',
      async (kind) => {
        const command = place.commandLine([], ['/bin/sh', '-c', '[ -e /proc/self/fd/0 ] && echo RUN']);
        expect(await start([place.probe, 'with-input', kind, ...command])).toMatchObject({ stdout: 'RUN\n' });
      },
    );

    it('that is a connection of the host is not connected to somebody else', async () => {
      const port = await listeners.tcp('again', '127.0.0.1');
      const command = place.commandLine(
        ['--quiet'],
        [place.probe, 'connect-input', '127.0.0.1', String(port)],
      );
      const { stdout } = await start([place.probe, 'with-input', 'tcp-connected', ...command]);
      // EACCES; EISCONN, where it is not among those that are held.
      expect(stdout).toBe(tier === 'platform' ? 'errno 106\n' : 'errno 13\n');
      expect(listeners.reached).not.toContain('again');
    });
  });

  describe('standard output and error', () => {
    it('that are no streams are named', async () => {
      const inner = place.commandLine([], ['/bin/echo', 'RUN']);
      const output = await withOpen(outside, 'r', (fd) => start(inner, undefined, fd));
      expect(output).toMatchObject({
        code: 125,
        stderr: expect.stringContaining('standard output is a directory'),
      });
      const error = await start(['/bin/sh', '-c', 'exec "$@" 2< /', 'sh', ...inner]);
      expect(error).toMatchObject({ code: 125, stdout: '' });
    });
  });

  const start = (command: readonly string[], input?: number, output?: number): Promise<Outcome> =>
    runCommand(command, {
      cwd: place.project,
      env: place.environment,
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
    });
});
