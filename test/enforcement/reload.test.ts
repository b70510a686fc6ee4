/** A policy that changes while a program runs: what the new one does not allow ends, whoever holds it; the rest goes on. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { faultsOfAll } from '../command/support/event-schema.ts';
import { isRoot } from '../support/product.ts';
import { noReload, policyFor, Reloaded } from './reload.ts';
import { eventsIn, inEachTier, Workplace } from './workplace.ts';

const WITHOUT_GETFD = fileURLToPath(new URL('without-getfd.py', import.meta.url));
const BOTH = policyFor(['a.test', 'b.test']);
const ONE = policyFor(['a.test']);
const ENDED = /reset|end of file|Broken pipe|timed out|Permission denied/i;
const REFUSED = /Name or service not known|HTTP\/1\.1 403/;

inEachTier((tier) => {
  describe.skipIf(noReload !== null)('a policy that changes', () => {
    let run: Reloaded;
    afterEach(() => run?.remove());

    async function opened(options: readonly string[], text?: string): Promise<Reloaded> {
      run = await Reloaded.start(tier, options, text);
      for (const host of ['a', 'b'])
        for (const way of ['direct', 'tunnel', 'datagrams'])
          expect(await run.ask(way, `${host}-${way}`, `${host}.test`)).toBe('ok');
      return run;
    }

    it('ends what it does not allow, in one step, and leaves the rest alone', async () => {
      await opened(['--watch-policy']);
      expect(await run.ask('wait_for', 'b-direct')).toBe('ok');
      run.write(ONE);
      expect(await run.heard()).toMatch(/^waited (Connection reset|Broken pipe)/);
      const event = await run.reloaded(1);
      expect(event).toMatchObject({
        action: 'allow',
        reason: 'policy_reloaded',
        subject: { kind: 'policy', generation: 2, closed: 3, killed: 0, pending: [] },
      });
      for (const way of ['direct', 'tunnel', 'datagrams']) {
        expect(await run.ask('use', `a-${way}`)).toBe('ok');
        expect(await run.ask('use', `b-${way}`)).toMatch(ENDED);
      }
      for (const way of ['direct', 'tunnel']) {
        expect(await run.ask(way, 'again', 'a.test')).toBe('ok');
        expect(await run.ask(way, 'again', 'b.test')).toMatch(REFUSED);
      }
      run.replace(BOTH);
      await run.reloaded(2);
      for (const way of ['direct', 'tunnel', 'datagrams']) {
        expect(await run.ask('use', `a-${way}`)).toBe('ok');
        expect(await run.ask(way, `b-${way}`, 'b.test')).toBe('ok');
      }
      const { code, stderr } = await run.end();
      expect(code).toBe(0);
      expect(stderr).toContain('openshell: the policy was read again: generation 2, 3 connections closed');
      expect(faultsOfAll(eventsIn(run.events))).toEqual([]);
    });

    it('is not taken when it is none: the one before holds, and it is said once', async () => {
      await opened(['--watch-policy']);
      run.write('version: 1\nnetwork_policies: [');
      expect(await run.reloaded(1)).toMatchObject({
        action: 'deny',
        reason: 'policy_invalid',
        subject: { generation: 1, closed: 0, sha256: null },
      });
      for (const way of ['direct', 'tunnel', 'datagrams'])
        expect(await run.ask('use', `b-${way}`)).toBe('ok');
      run.write(ONE);
      expect(await run.reloaded(2)).toMatchObject({ reason: 'policy_reloaded', subject: { generation: 2 } });
      const { stderr } = await run.end();
      expect(stderr).toContain('policy.yaml:2');
      expect(stderr).toContain('openshell: the policy was not taken; the one before it holds');
    });

    it('lets nothing out when it is none and the operator said so, until it is good again', async () => {
      await opened(['--watch-policy', '--on-bad-policy', 'quarantine']);
      run.write('version: 1\nno_such_key: 1\n');
      expect(await run.reloaded(1)).toMatchObject({
        reason: 'policy_quarantined',
        subject: { generation: 2, closed: 6 },
      });
      for (const way of ['direct', 'tunnel', 'datagrams'])
        expect(await run.ask('use', `a-${way}`)).toMatch(ENDED);
      expect(await run.ask('direct', 'again', 'a.test')).toMatch(REFUSED);
      run.write(BOTH);
      expect(await run.reloaded(2)).toMatchObject({ reason: 'policy_reloaded', subject: { generation: 3 } });
      expect(await run.ask('direct', 'again', 'a.test')).toBe('ok');
      await run.end();
    });

    it('waits for the next start with what the kernel holds, and says so', async () => {
      await opened(['--watch-policy']);
      run.write(policyFor(['a.test'], 'limits: {processes: 77}\nprocess: {netlink: deny}'));
      expect(await run.reloaded(1)).toMatchObject({
        reason: 'policy_reloaded',
        subject: { pending: ['process', 'limits'], closed: 3 },
      });
      const { stderr } = await run.end();
      expect(stderr).toContain('what changed in process, limits takes effect at the next start');
    });

    it('is read when the owner says so, and not before', async () => {
      await opened([]);
      run.write(ONE);
      const first = await run.reload(String(run.pid), '--output', 'json');
      expect(JSON.parse(first.stdout)).toMatchObject({ result: 'applied', generation: 2, closed: 3 });
      expect(first.code).toBe(0);
      expect(await run.ask('use', 'b-direct')).toMatch(ENDED);
      expect(await run.ask('use', 'a-direct')).toBe('ok');
      const { sandbox } = eventsIn(run.events)[0]!;
      expect(await run.reload(sandbox)).toMatchObject({
        code: 0,
        stdout: `${sandbox}: the policy is as before, generation 2\n`,
      });
      run.write('nonsense: [');
      const bad = await run.reload();
      expect(bad).toMatchObject({
        code: 1,
        stdout: `${sandbox}: the policy was not taken; generation 2 holds\n`,
      });
      expect(bad.stderr).toContain('policy.yaml:1');
      expect((await run.reload('12345678')).code).toBe(1);
      await run.end();
      expect((await run.reload()).code).toBe(1);
    });

    it('may change often: each change is one generation, the last one holds', async () => {
      await opened(['--watch-policy']);
      for (let i = 0; i < 40; i += 1) {
        if (i % 2 === 0) run.write(i % 4 === 0 ? ONE : BOTH);
        else run.replace(i % 4 === 1 ? BOTH : ONE);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      run.replace(`${ONE}# the last\n`);
      const outcome = await run.reload();
      expect(outcome.code).toBe(0);
      expect(await run.ask('use', 'a-direct')).toBe('ok');
      expect(await run.ask('use', 'b-direct')).toMatch(ENDED);
      expect(await run.ask('direct', 'again', 'b.test')).toMatch(REFUSED);
      await run.end();
    });

    it('ends all of many connections, among more that are over', async () => {
      await opened([]);
      expect(await run.ask('churn', 'b.test')).toBe('ok');
      run.write(ONE);
      expect((await run.reload()).code).toBe(0);
      expect(run.reloads()[0]).toMatchObject({ subject: { closed: 303, killed: 0, surviving: 0 } });
      for (const i of [0, 150, 299]) expect(await run.ask('use', `many-${i}`)).toMatch(ENDED);
      expect(await run.ask('use', 'a-direct')).toBe('ok');
      await expect.poll(() => run.server.open.size).toBe(2);
      await run.end();
    });

    it('ends a connection that only a child of the program has', async () => {
      await opened([]);
      const before = run.server.open.size;
      expect(await run.ask('hand_down', 'b-direct')).toBe('ok');
      expect(run.server.open.size).toBe(before);
      run.write(ONE);
      expect((await run.reload()).code).toBe(0);
      expect(run.reloads()[0]).toMatchObject({ subject: { closed: 3, killed: 0 } });
      await run.end();
    });

    it('ends the sandbox when a connection is hidden where it cannot be ended', async () => {
      await opened([]);
      expect(await run.ask('park', 'b-direct')).toBe('ok');
      run.write(ONE);
      await run.reload();
      const { code, stderr } = await run.outcome;
      expect(code).toBe(137);
      expect(stderr).toContain('could not be closed, so the sandbox was ended');
      expect(run.reloads()[0]).toMatchObject({ subject: { generation: 2, closed: 2, surviving: 1 } });
      await expect.poll(() => run.server.open.size).toBe(0);
    });

    // With namespaces nothing is connected at all where files cannot be taken.
    it.runIf(tier === 'platform')(
      'ends the process that has a connection, where nobody may take its files',
      async () => {
        const before = ['/usr/bin/python3', WITHOUT_GETFD];
        run = await Reloaded.start(tier, [], BOTH, before);
        for (const host of ['a', 'b']) expect(await run.ask('direct', host, `${host}.test`)).toBe('ok');
        run.write(policyFor(['b.test', 'a.test']));
        expect((await run.reload()).code).toBe(0);
        expect(await run.ask('use', 'b')).toBe('ok');
        run.write(ONE);
        await run.reload();
        expect((await run.outcome).code).toBe(137);
        expect(run.reloads().map(({ subject }) => subject)).toMatchObject([
          { closed: 0, killed: 0, surviving: 0 },
          { closed: 0, killed: 1, surviving: 0 },
        ]);
      },
    );

    it('ends a connection that is always on its way from one process to another, or the sandbox', async () => {
      await opened([]);
      expect(await run.ask('juggle', 'b-direct')).toBe('ok');
      run.write(ONE);
      await run.reload();
      // Those to the host that is allowed still, if the sandbox is there.
      await expect.poll(() => run.server.open.size, { timeout: 20_000 }).toBeLessThanOrEqual(2);
      const { closed, surviving } = run.reloads()[0]!.subject as { closed: number; surviving: number };
      expect(closed + surviving).toBe(3);
    });

    it('spares a hidden connection that it allows', async () => {
      await opened([]);
      expect(await run.ask('park', 'a-direct')).toBe('ok');
      run.write(ONE);
      expect((await run.reload()).code).toBe(0);
      expect(await run.ask('use', 'a-tunnel')).toBe('ok');
      await run.end();
    });
  });

  describe.skipIf(noReload !== null)('the control socket', () => {
    it("is its owner's alone, is out of the program's reach, and goes with the run", async () => {
      const run = await Reloaded.start(tier, []);
      try {
        expect(await run.ask('direct', 'a', 'a.test')).toBe('ok');
        const directory = join(run.place.scratch.path, 'cache', 'openshell', 'run');
        const names = readdirSync(directory).filter((name) => name.endsWith('.sock'));
        expect(names).toHaveLength(1);
        expect(statSync(directory).mode & 0o777).toBe(0o700);
        expect(statSync(join(directory, names[0]!)).mode & 0o777).toBe(0o600);
        expect(await run.ask('unix', join(directory, names[0]!))).toMatch(
          /Permission denied|No such file or directory/,
        );
        await run.end();
        expect(readdirSync(directory)).toEqual([]);
      } finally {
        await run.remove();
      }
    });

    it('is out of reach where the policy shows the directory, even as one to write in', async () => {
      const place = new Workplace('reload-shown', tier);
      try {
        const policy = place.write('p.yaml', ONE, join(place.scratch.path, 'policy'));
        const cache = join(place.scratch.path, 'cache');
        const script = [
          'import glob, socket',
          `found = glob.glob(${JSON.stringify(`${cache}/openshell/run/*.sock`)})`,
          'c = socket.socket(socket.AF_UNIX)',
          'try: c.connect(found[0]); print("reached")',
          'except Exception as e: print(len(found), e)',
        ].join('\n');
        for (const option of ['--read', '--write']) {
          const { stdout, code, stderr } = await place.run(
            ['--policy', policy, option, cache],
            ['/usr/bin/python3', '-c', script],
          );
          // Without mounts a directory that holds what is ours cannot be given to write in at all.
          if (tier === 'platform' && option === '--write') {
            expect(code).toBe(125);
            expect(stderr).toContain('lies in a directory that the workload may write');
          } else if (isRoot)
            expect(stdout).toMatch(/^(1 .*Permission denied|0 )/); // the workload is somebody else
          else expect(stdout).toMatch(/^1 .*Permission denied/);
        }
      } finally {
        place.remove();
      }
    });
  });

  it.skipIf(noReload !== null || tier === 'platform')(
    'is not watched, nor read again, where the program could put another in its place',
    async () => {
      const place = new Workplace('reload-inside', tier);
      try {
        const policy = place.write('p.yaml', ONE);
        const { code, stderr } = await place.run(['--policy', policy, '--watch-policy'], ['true']);
        expect(code).toBe(125);
        expect(stderr).toContain(`a program runs that may write in ${place.project}`);
      } finally {
        place.remove();
      }
    },
  );
});
