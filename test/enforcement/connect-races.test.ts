/**
 * One thread connects, listens or binds while another changes the address or what the number of the socket means:
 * 100,000 rounds in all, and nothing gets anywhere that was not judged.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closedPort, ForbiddenServer, hostAddress } from './forbidden-server.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  let server: ChildProcess;
  let forbidden: ForbiddenServer;
  let port: number;
  let options: string[];

  beforeAll(async () => {
    place = new Workplace('connect-races', tier);
    forbidden = await ForbiddenServer.start();
    server = spawn(place.probe, ['accept-all'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    port = Number(line);
    options = ['--quiet', '--network', 'proxy'];
    for (const pin of [`ok.test:7000:127.0.0.1:${port}`, `gone.test:7000:127.0.0.1:${await closedPort()}`])
      options.push('--allow', pin.split(':').slice(0, 2).join(':'), '--connect-to', pin);
  });
  afterAll(() => {
    server?.kill('SIGKILL');
    forbidden?.close();
    place?.remove();
  });
  afterEach(async () => {
    if (forbidden !== undefined) expect(await forbidden.reached()).toEqual([]);
  });

  interface Tally {
    readonly rounds: number;
    readonly allowed: number;
    /** By the warden: the call was about a socket of the host. */
    readonly refused: number;
    readonly wrong: number;
  }

  const SECONDS = 60;

  async function race(which: string, rounds: number, bad = '127.0.0.1'): Promise<Tally> {
    const script = `first() { getent ahostsv4 "$1" | while read -r it rest; do echo "$it"; break; done; }
exec "$0" connect-races ${which} ${rounds} ${SECONDS} "$(first ok.test)" 7000 ${port} "$(first gone.test)" 7000 ${bad} ${forbidden.port}`;
    const { stdout, stderr } = await place.run(options, ['/bin/sh', '-c', script, place.probe], {
      limitMs: (SECONDS + 40) * 1000,
    });
    const found = /^rounds (\d+) allowed (\d+) refused (\d+) wrong (\d+)$/m.exec(stdout);
    expect(found, stdout + stderr).not.toBeNull();
    const [done, allowed, refused, wrong] = found!.slice(1).map(Number);
    return { rounds: done!, allowed: allowed!, refused: refused!, wrong: wrong! };
  }

  /** Again, on a machine that lets one of the two threads wait all the time, until both have been there: at most five times. */
  async function raceOf(
    what: 'allowed' | 'refused',
    which: string,
    rounds: number,
    bad?: string,
  ): Promise<Tally> {
    for (let turn = 1; ; turn += 1) {
      const tally = await race(which, rounds, bad);
      if (tally[what] > 0 || tally.wrong > 0 || turn === 5) return tally;
    }
  }

  describe('the races', () => {
    it.each([
      ['listen', '127.0.0.1'],
      ['bind', '127.0.0.1'],
      ...(hostAddress === null ? [] : [['bind-path', hostAddress]]),
    ])('are won without a sandbox: %s', async (which, bad) => {
      const numbers = ['127.0.0.1', port, port, '127.0.0.1', await closedPort(), bad, port].map(String);
      const { stdout } = await place.onHost([
        place.probe,
        'connect-races',
        which,
        '1000000',
        '20',
        ...numbers,
      ]);
      expect(stdout).toMatch(/wrong [1-9]\d*$/m);
    });
  });

  describe('a connect whose address another thread rewrites', () => {
    it('reaches the server that was judged, or none', async () => {
      const tally = await raceOf('allowed', 'address', 30_000);
      expect(tally).toMatchObject({ rounds: 30_000, wrong: 0 });
      // How often the right address was there depends on the machine: it must have been now and then.
      expect(tally.allowed).toBeGreaterThan(0);
    });

    it.skipIf(hostAddress === null)('reaches no address of the host', async () => {
      const tally = await raceOf('allowed', 'address', 2000, hostAddress!);
      expect(tally).toMatchObject({ rounds: 2000, wrong: 0 });
      expect(tally.allowed).toBeGreaterThan(0);
    });
  });

  describe('a connect on a number that another thread gives to', () => {
    it.each([
      ['a datagram socket and a socket of the host', 'datagram'],
      ['a Unix socket and a socket of the host', 'unix'],
      ['another connection and a socket of the host', 'stream'],
      ['a socket for IPv6 and a socket of the host', 'version-6'],
    ])('%s reaches nobody else', async (_what, which) => {
      // In the platform tier each of them is a question to the supervisor.
      const rounds = tier === 'platform' ? 2000 : 10_000;
      const tally = await raceOf('refused', which, rounds);
      expect(tally).toMatchObject({ rounds, wrong: 0 });
      expect(tally.refused).toBeGreaterThan(0);
    });

    it('nothing, and to a new socket again, reaches nobody else', async () => {
      expect(await race('closed', 8000)).toMatchObject({ rounds: 8000, wrong: 0 });
    });
  });

  describe('a socket of the host whose number means another one now and then', () => {
    it.each(['listen', 'listen-unix'])('never listens: %s', async (which) => {
      const tally = await raceOf('refused', which, 5000);
      expect(tally).toMatchObject({ rounds: 5000, wrong: 0 });
      expect(tally.refused).toBeGreaterThan(0);
    });

    it.skipIf(tier === 'platform').each(['bind', 'bind-unix'])('never is bound: %s', async (which) => {
      const tally = await raceOf('refused', which, 5000);
      expect(tally).toMatchObject({ rounds: 5000, wrong: 0 });
      expect(tally.refused).toBeGreaterThan(0);
    });

    it.skipIf(hostAddress === null)('gets no address of the host by the name of a Unix socket', async () => {
      const tally = await raceOf('refused', 'bind-path', 20_000, hostAddress!);
      expect(tally).toMatchObject({ rounds: 20_000, wrong: 0 });
      if (tier === 'platform') expect(tally.refused).toBeGreaterThan(0);
    });

    it.runIf(tier === 'platform').each(['bind-outside', 'bind-outside-unix'])(
      'never is bound but on loopback: %s',
      async (which) => {
        expect(await race(which, 5000)).toMatchObject({ rounds: 5000, wrong: 0 });
      },
    );
  });
});
