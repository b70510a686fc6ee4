/** Nothing of the workload runs before the last restriction is in place, and what cannot be put in place stops it. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tier } from '../../src/plan/plan.ts';
import type { Outcome } from '../support/command.ts';
import { LAUNCHER } from '../support/product.ts';
import type { PlanRun } from './plan-runner.ts';
import { PlanRunner } from './run-plan.ts';
import { eventsIn, inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  let runner: PlanRunner;
  beforeAll(async () => {
    place = new Workplace('launch-order', tier);
    runner = await PlanRunner.make(place.scratch.directory('runner'));
  });
  afterAll(() => place?.remove());

  type Change = PlanRun['changes'][number];
  const change = (value: unknown, ...at: (string | number)[]): Change => ({ at, value });

  const BIND = {
    kind: 'bind',
    writable: false,
    devices: false,
    idmapOwner: null,
    origin: { kind: 'builtin', line: null },
  };
  /** A plan that cannot be carried out, by what is wrong with it; the steps in the order in which they are taken. */
  const BROKEN: readonly (readonly [what: string, change: Change, tier?: Tier])[] = [
    ['a host name that is too long', change('x'.repeat(65), 'namespaces', 'hostname'), 'namespaces'],
    [
      'a source that does not exist',
      change({ ...BIND, source: '/no/such/source', target: '/mnt' }, 'mounts', 0),
      'namespaces',
    ],
    [
      'a target that cannot be made',
      change({ ...BIND, source: '/usr', target: `/${'x'.repeat(300)}` }, 'mounts', 0),
      'namespaces',
    ],
    ['a working directory that does not exist', change('/no/such/directory', 'workdir')],
    [
      'a limit that the kernel does not know',
      change({ resource: 99, name: 'none', soft: 1, hard: 1 }, 'rlimits', 0),
    ],
    ['a Landlock version that the kernel lacks', change(99, 'landlock', 'abi')],
    ['a Landlock right that the kernel lacks', change(2 ** 40, 'landlock', 'handledFs')],
    [
      'a Landlock path that does not exist',
      change({ path: '/no/such/path', access: 4, origin: BIND.origin }, 'landlock', 'rows', 0),
    ],
    ['a filter that does not end', change([{ code: 0, jt: 0, jf: 0, k: 0 }], 'seccomp', 'program')],
    [
      'a filter with an instruction that is none',
      change([{ code: 0xffff, jt: 0, jf: 0, k: 0 }], 'seccomp', 'program'),
    ],
  ];

  describe('INV-01 nothing of the workload runs before the last restriction is in place', () => {
    const mark = (): string => join(place.project, 'ran');
    const events = (): string => join(place.scratch.path, 'events');

    /** Runs a program that leaves a mark, under the plan of the default policy with changes. */
    function run(changes: readonly Change[]): Promise<Outcome> {
      for (const path of [mark(), events()]) rmSync(path, { force: true });
      return runner.run(['/bin/sh', '-c', 'echo x > ran'], {
        tier,
        workdir: place.project,
        env: place.environment,
        changes,
        events: events(),
      });
    }

    it('with a plan that can be carried out, it runs', async () => {
      expect(await run([])).toMatchObject({ code: 0, stderr: '' });
      expect(existsSync(mark())).toBe(true);
      expect(eventsIn(events()).map(({ type }) => type)).toEqual(['start', 'exit']);
    });

    const broken = BROKEN.filter(([, , only = tier]) => only === tier);
    it.each(broken.map(([what, one]) => [what, one] as const))(
      'with %s it does not run',
      async (_what, one) => {
        const { code, stderr } = await run([one]);
        expect(code, stderr).toBe(125);
        expect(existsSync(mark())).toBe(false);
        expect(stderr).toMatch(/^openshell: /);
        expect(eventsIn(events()).map(({ type }) => type)).toEqual(['exit']);
      },
    );

    it('at its first instruction it is confined', async () => {
      const { stdout } = await place.run(['--quiet'], ['/bin/cat', '/proc/self/status']);
      const field = (name: string): string =>
        new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(stdout)?.[1] ?? 'absent';
      expect({
        seccomp: field('Seccomp'),
        filters: field('Seccomp_filters'),
        privileges: field('NoNewPrivs'),
      }).toEqual({
        seccomp: '2',
        filters: '1',
        privileges: '1',
      });
      // Who has no capability cannot take any out of the bounding set, and with no_new_privs gets none of them.
      const bounding = tier === 'platform' ? [] : ['CapBnd'];
      for (const set of ['CapInh', 'CapPrm', 'CapEff', ...bounding, 'CapAmb'])
        expect([set, field(set)]).toEqual([set, '0'.repeat(16)]);
      expect(field('SigBlk')).toBe('0'.repeat(16));
      expect(field('SigIgn')).toBe('0'.repeat(16));
      if (tier === 'namespaces') expect(Number(field('Pid'))).toBeLessThan(10);
    });

    it('at its first instruction it has its three descriptors and no other', async () => {
      const { stdout } = await place.run(['--quiet'], ['/bin/ls', '/proc/self/fd']);
      // The fourth is the directory that is being listed.
      expect(stdout.trim().split('\n')).toEqual(['0', '1', '2', '3']);
    });

    it('at its first instruction the launcher is its parent', async () => {
      const script = 'echo $PPID; cat /proc/$PPID/comm /proc/$PPID/cmdline';
      const { stdout } = await place.run(['--quiet'], ['/bin/sh', '-c', script]);
      const [parent, name, ...commandLine] = stdout.split('\n');
      if (tier === 'namespaces') expect(parent).toBe('1');
      expect(name).toBe('openshell-launc');
      expect(commandLine).toEqual([`${LAUNCHER}\0warden\0`]);
    });

    it.skipIf(tier === 'platform')('at its first instruction it has no neighbour', async () => {
      const { stdout } = await place.run(['--quiet'], ['/bin/sh', '-c', 'echo /proc/[0-9]*']);
      expect(stdout.split(' ')).toHaveLength(2);
    });
  });

  describe('INV-06 a layer that the policy requires and the host lacks', () => {
    it('stops the launch: a plan for a newer Landlock says so', async () => {
      const { code, stderr } = await runner.run(['/bin/true'], {
        tier,
        workdir: place.project,
        env: place.environment,
        changes: [change(99, 'landlock', 'abi')],
      });
      expect(code).toBe(125);
      expect(stderr).toMatch(/landlock/i);
    });
  });
});
