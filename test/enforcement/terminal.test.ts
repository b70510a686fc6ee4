/** The terminal that openshell is started on: nothing inside can type on it, or make it its own. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runCommand } from '../support/command.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  beforeAll(() => {
    place = new Workplace('terminal', tier);
  });
  afterAll(() => place?.remove());

  /** Linux 6.2; before, it is always allowed. */
  const noTyping = ((): string | null => {
    try {
      return readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8').trim() === '0'
        ? 'dev.tty.legacy_tiocsti is 0'
        : null;
    } catch {
      return null;
    }
  })();

  describe('on the terminal of the caller', () => {
    /** `ok` when the program ended well, or something was typed on the terminal. */
    const onTerminal = (argv: readonly string[]): Promise<Outcome> =>
      runCommand([place.probe, 'on-terminal', ...argv], { cwd: place.project, env: place.environment });

    it.skipIf(noTyping !== null)('a program without a sandbox can type', async () => {
      expect((await onTerminal([place.probe, 'type-character', 'inherited'])).stdout).toBe('ok\n');
    });

    it('a program without a sandbox has it as its own', async () => {
      expect((await onTerminal([place.probe, 'controlling-terminal'])).stdout).toBe('ok\n');
    });

    it.each([['--tty'], ['--no-tty']])('nothing inside can type: %s', async (option) => {
      const inside = place.commandLine(['--quiet', option], [place.probe, 'type-character', 'inherited']);
      expect((await onTerminal(inside)).stdout).toBe('errno 1\n');
    });

    it('what is given the terminal itself cannot make it its own', async () => {
      const inside = place.commandLine(['--quiet', '--no-tty'], [place.probe, 'controlling-terminal']);
      expect((await onTerminal(inside)).stdout).toBe('errno 1\n');
    });

    it('what is given a terminal of its own does not see another', async () => {
      const script = '[ "$(ls /dev/pts | grep -c "^[0-9]")" -le 1 ] && exit 7; :';
      const inside = place.commandLine(['--quiet', '--tty'], ['/bin/sh', '-c', script]);
      expect((await onTerminal(inside)).stdout).toBe('errno 1\n');
    });
  });
});
