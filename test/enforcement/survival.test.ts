/** What is left when a sandbox ends, and when a part of openshell is killed: nothing. */
import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ended } from '../support/command.ts';
import { below, descendantsOf, eventually, isAlive, named } from '../support/processes.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  beforeAll(() => {
    place = new Workplace('survival', tier);
  });
  afterAll(() => place?.remove());

  let count = 0;
  let tag = '';
  /** A new name for a process that does all it can to live on. */
  const newTag = (): string => {
    count += 1;
    tag = `linger-${process.pid % 10_000}-${count}`.slice(0, 15);
    return tag;
  };
  afterEach(() => {
    for (const pid of named(tag)) process.kill(pid, 'SIGKILL');
  });

  /** Leaves the process behind, and goes on. */
  const lingering = (name: string): string => `"$0" linger ${name}`;
  const STAY = 'while :; do sleep 1; done';

  describe('a process that does all it can to live on', () => {
    it('lives on without a sandbox', async () => {
      const name = newTag();
      await place.onHost(['/bin/sh', '-c', lingering(name), place.probe]);
      expect(await eventually(() => named(name).length > 0)).toBe(true);
    });

    it.each([
      ['its program ends', 'exit 3', 3],
      ['its program is killed', 'kill -9 $$', 137],
    ])('is gone when %s', async (_what, end, code) => {
      const name = newTag();
      const script = `${lingering(name)}; sleep 0.1; ${end}`;
      const outcome = await place.run(['--quiet'], ['/bin/sh', '-c', script, place.probe]);
      expect(outcome.code).toBe(code);
      expect(named(name)).toEqual([]);
    });

    it('is gone when the time is over', async () => {
      const name = newTag();
      const script = `${lingering(name)}; ${STAY}`;
      const { code } = await place.run(
        ['--quiet', '--timeout', '1s'],
        ['/bin/sh', '-c', script, place.probe],
      );
      expect(code).toBe(124);
      expect(named(name)).toEqual([]);
    });
  });

  interface Parts {
    readonly supervisor: number;
    readonly warden: number;
    readonly init: number;
    readonly all: readonly number[];
  }

  /** Starts a sandbox with a lingering process in it, and finds its parts. */
  async function running(options: readonly string[]): Promise<{ child: ChildProcess; parts: Parts }> {
    const name = newTag();
    const child = place.start(
      ['--quiet', ...options],
      ['/bin/sh', '-c', `${lingering(name)}; ${STAY}`, place.probe],
    );
    const there = await eventually(() => named(name).length > 0);
    if (there === null) throw new Error('the sandbox did not start');
    const supervisor = child.pid!;
    const all = descendantsOf(supervisor);
    const [warden] = all;
    const [init] = descendantsOf(warden!);
    return { child, parts: { supervisor, warden: warden!, init: init!, all } };
  }

  describe('a start that comes to nothing', () => {
    it.each([
      ['a policy that is none', (): string[] => ['-p', place.write('bad.yaml', 'version: 9\n')]],
      ['a directory that is not there', (): string[] => ['--home', '/no/such/directory']],
      ['an option that is none', (): string[] => ['--no-such-option']],
    ])('leaves no process: %s', async (_what, options) => {
      const child = place.start(options(), ['/bin/true']);
      const seen = new Set<number>();
      const watching = setInterval(() => {
        for (const pid of descendantsOf(child.pid!)) seen.add(pid);
      }, 1);
      const { code } = await ended(child);
      clearInterval(watching);
      expect([2, 125]).toContain(code);
      expect(await eventually(() => ![...seen].some(isAlive))).toBe(true);
    });
  });

  describe('INV-10 a crash of any part of ours leaves the workload dead or still confined', () => {
    describe.each([
      ['without a network', []],
      ['with the proxy', ['--allow', 'allowed.test']],
    ])('%s', (_mode, options) => {
      const killed = async (victim: 'supervisor' | 'warden' | 'init', code: number | null): Promise<void> => {
        const { child, parts } = await running(options);
        process.kill(parts[victim], 'SIGKILL');
        expect(await ended(child)).toMatchObject({ code, signal: code === null ? 'SIGKILL' : null });
        expect(await eventually(() => !parts.all.some(isAlive))).toBe(true);
      };

      it.each([
        ['supervisor', null],
        ['warden', 125],
        ['init', 125],
      ] as const)('when the %s is killed, every process of the sandbox is gone', killed);
    });

    it('when the supervisor hangs and is then killed, every process is gone', async () => {
      const { child, parts } = await running([]);
      process.kill(parts.supervisor, 'SIGSTOP');
      process.kill(parts.supervisor, 'SIGKILL');
      await ended(child);
      expect(await eventually(() => !parts.all.some(isAlive))).toBe(true);
    });

    it('when the warden hangs, a refused call waits, and nobody but the warden can answer it', async () => {
      const name = newTag();
      const script = `${lingering(name)}; read go; "$0" userfaultfd; "$0" ok`;
      const child = place.start(['--quiet'], ['/bin/sh', '-c', script, place.probe], { withInput: true });
      let stdout = '';
      child.stdout!.on('data', (text) => {
        stdout += text;
      });
      await eventually(() => named(name).length > 0);
      const [warden] = descendantsOf(child.pid!);
      process.kill(warden!, 'SIGSTOP');
      child.stdin!.end('go\n');
      const called = await eventually(() => below(child.pid!).some(({ name: its }) => its === 'probe'));
      expect(called).toBe(true);
      expect(stdout).toBe('');
      process.kill(warden!, 'SIGKILL');
      await ended(child);
      // The listener is gone, so the call does not exist any more; nobody lets it through.
      expect(stdout).toMatch(/^(errno 38\n(ok\n)?)?$/);
      expect(await eventually(() => named(name).length === 0)).toBe(true);
    });

    const SIGNALS = ['TERM', 'INT', 'HUP', 'KILL', 'STOP', 'SEGV', 'ABRT', 'USR1', 'CHLD', 'PIPE', 'ALRM'];
    it.skipIf(tier === 'platform').each(SIGNALS)(
      'SIG%s from inside does nothing to process 1',
      async (signal) => {
        const script = `kill -${signal} 1; "$0" ok`;
        const { code, stdout } = await place.run(['--quiet'], ['/bin/sh', '-c', script, place.probe]);
        expect(code).toBe(0);
        expect(stdout).toBe('ok\n');
      },
    );

    it.runIf(tier === 'platform').each(SIGNALS)(
      'SIG%s from inside ends the sandbox with all that is in it, or does nothing to init',
      async (signal) => {
        const name = newTag();
        const script = `${lingering(name)}; kill -${signal} $PPID; sleep 0.1; "$0" ok`;
        // Of one that stands still the time limit makes an end.
        const options = ['--quiet', ...(signal === 'STOP' ? ['--timeout', '1s'] : [])];
        const { code, stdout } = await place.run(options, ['/bin/sh', '-c', script, place.probe]);
        expect(`${code} ${stdout}`.trim()).toMatch(/^(0 ok|125|124 ok)$/);
        expect(named(name)).toEqual([]);
      },
    );
  });
});
