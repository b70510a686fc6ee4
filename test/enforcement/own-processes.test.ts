/** openshell's own processes, by the numbers that the host has for them, and process 1: nothing inside changes them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended } from '../support/command.ts';
import { descendantsOf, eventually } from '../support/processes.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  beforeAll(() => {
    place = new Workplace('own-processes', tier);
  });
  afterAll(() => place?.remove());

  const ATTEMPTS = [
    'prlimit',
    'sched-setaffinity',
    'sched-setscheduler',
    'setpriority-process',
    'ioprio-set 1',
    'kill',
  ];

  describe('the processes of openshell', () => {
    it('are neither limited, placed nor signalled from inside', async () => {
      const each = ATTEMPTS.map((one) => `echo "${one} $pid: $("$0" ${one} "$pid" 2>&1)"`).join('; ');
      const script = `echo > ready; read -r pids; for pid in $pids; do ${each}; done`;
      const child = place.start(
        ['--quiet', '--network', 'proxy', '--allow', 'ok.test'],
        ['/bin/sh', '-c', script, place.probe],
        { withInput: true },
      );
      const finished = ended(child);
      expect(await eventually(() => existsSync(join(place.project, 'ready')))).toBe(true);
      const [warden, init] = descendantsOf(child.pid!) as [number, number];
      const pids = [child.pid!, warden, init, 1];
      child.stdin!.end(`${pids.join(' ')}\n`);
      const lines = (await finished).stdout.trim().split('\n');
      expect(lines).toHaveLength(pids.length * ATTEMPTS.length);
      // Process 1 hears no signal of its namespace. Elsewhere the program may end its own sandbox.
      const own = tier === 'platform' ? init : 1;
      for (const line of lines.filter((one) => !one.startsWith(`kill ${own}:`)))
        expect(line).toMatch(/: errno (1|3|13)$/);
    });
  });
});
