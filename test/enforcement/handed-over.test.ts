/**
 * Attacks on a socket that was handed over at connect. It belongs to the host's network namespace, so whatever else it
 * can be made into reaches the host: a server there counts, and nothing may arrive.
 */
import type { Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  closedPort,
  ForbiddenServer,
  hasVersion6,
  hostAddress,
  hostAddress6,
  portOf,
  startGreeter,
} from './forbidden-server.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  let greeter: Server;
  let greeter6: Server | null = null;
  let forbidden: ForbiddenServer;
  let options: string[];

  beforeAll(async () => {
    place = new Workplace('handed-over', tier);
    forbidden = await ForbiddenServer.start();
    greeter = await startGreeter();
    if (hasVersion6) greeter6 = await startGreeter('::1');
    const allowed: Record<string, string> = {
      'ok.test:7000': `127.0.0.1:${portOf(greeter)}`,
      'gone.test:7000': `127.0.0.1:${await closedPort()}`,
      ...(greeter6 === null ? {} : { 'six.test:7000': `[::1]:${portOf(greeter6)}` }),
    };
    const vouched = Object.entries(allowed);
    options = ['--quiet', '--network', 'proxy'];
    for (const [name, at] of vouched) options.push('--allow', name, '--connect-to', `${name}:${at}`);
  });
  afterAll(() => {
    place?.remove();
    for (const server of [greeter, greeter6, forbidden]) server?.close();
  });
  afterEach(async () => {
    if (forbidden !== undefined) expect(await forbidden.reached()).toEqual([]);
  });

  const STATES = { open: 'ok.test', over: 'ok.test', refused: 'gone.test' } as const;
  type State = keyof typeof STATES;

  /** @returns what the attempt gave in each state and against each address: `open 127.0.0.1 errno 13` */
  async function tried(attempt: string, version: 4 | 6, states: readonly State[]): Promise<string[]> {
    const bad =
      version === 4
        ? ['127.0.0.1', ...(hostAddress === null ? [] : [hostAddress])]
        : ['::1', '::ffff:127.0.0.1', ...(hostAddress6 === null ? [] : [hostAddress6])];
    const lines = states.flatMap((state) => {
      const name = version === 6 ? 'six.test' : STATES[state];
      const at = `at=$(getent ahostsv${version} ${name} | while read -r it rest; do echo "$it"; break; done)`;
      return [
        at,
        ...bad.map(
          (address) =>
            `echo "${state} $("$0" handed-over ${state} ${attempt} "$at" 7000 ${address} ${forbidden.port} 2>&1)"`,
        ),
      ];
    });
    const { stdout, stderr } = await place.run(options, ['/bin/sh', '-c', lines.join('\n'), place.probe]);
    expect(stderr).toBe('');
    const results = stdout.trim().split('\n');
    expect(results).toHaveLength(states.length * bad.length);
    expect(results.filter((line) => line.includes('broken'))).toEqual([]);
    return [...new Set(results)];
  }

  const ALL = ['open', 'over', 'refused'] as const;
  /**
   * EACCES, EISCONN, and EINVAL for AF_UNSPEC. In the platform tier the socket is still held that a server refused: it
   * may be taken back, and be bound on loopback.
   */
  const REFUSED = tier === 'platform' ? / errno (13|22|106)$|^refused ok$/ : / errno (13|22|106)$/;
  const ENOPROTOOPT = 92;
  const EOPNOTSUPP = 95;

  describe('a socket that nobody watches', () => {
    it.each(['listen', 'bind'])('takes, when it was refused: %s', async (attempt) => {
      const to = ['127.0.0.1', String(await closedPort()), '127.0.0.1', String(forbidden.port)];
      const { stdout } = await place.onHost([place.probe, 'handed-over', 'refused', attempt, ...to]);
      expect(stdout).toBe('ok\n');
      await forbidden.reached();
    });

    it.each([
      ['open', 'disconnect'],
      ['over', 'disconnect'],
      ['refused', 'reconnect'],
      ['refused', 'fast-open-sendto'],
    ])('reaches the other server without a sandbox: %s, %s', async (state, attempt) => {
      const port = state === 'refused' ? await closedPort() : portOf(greeter);
      const to = ['127.0.0.1', String(port), '127.0.0.1', String(forbidden.port)];
      await place.onHost([place.probe, 'handed-over', state, attempt, ...to]);
      expect((await forbidden.reached()).length).toBeGreaterThan(0);
    });
  });

  describe('a socket that was handed over', () => {
    it('is what the attacks below have: it is connected, and what is sent on it arrives', async () => {
      expect(await tried('sendto', 4, ['open'])).toEqual(['open ok']);
    });

    it.each(['reconnect', 'disconnect', 'unspecified', 'bind', 'listen', 'by-another'])(
      'refuses: %s',
      async (attempt) => {
        for (const line of await tried(attempt, 4, ALL)) expect(line).toMatch(REFUSED);
      },
    );

    it.each(['accept', 'name-space', 'interfaces', 'reopen', 'x32', 'i386'])(
      'has no use for: %s',
      async (attempt) => {
        for (const line of await tried(attempt, 4, ALL)) expect(line).not.toMatch(/ok$/);
      },
    );

    it.each(['sendto', 'sendmsg', 'sendmmsg', 'control-data'])(
      'sends to its peer alone, whatever address a call names: %s',
      async (attempt) => {
        await tried(attempt, 4, ALL);
      },
    );

    it.each(['fast-open-sendto', 'fast-open-sendmsg', 'fast-open-sendmmsg'])(
      'does not connect while it sends: %s',
      async (attempt) => {
        expect(await tried(attempt, 4, ALL)).toEqual(ALL.map((state) => `${state} errno ${EOPNOTSUPP}`));
      },
    );

    it.each([
      'mark',
      'device',
      'device-index',
      'dont-route',
      'fast-open-connect',
      'fast-open-key',
      'repair',
      'protocol',
      'transparent',
      'free-bind',
      'interface',
      'source-route',
      'routing-header',
      'packet-options',
      'family',
      'program',
    ])('takes no option that sends it elsewhere: %s', async (attempt) => {
      expect(await tried(attempt, 4, ALL)).toEqual(ALL.map((state) => `${state} errno ${ENOPROTOOPT}`));
    });
  });

  describe.skipIf(!hasVersion6)('a socket for IPv6 that was handed over', () => {
    it.each(['reconnect', 'disconnect', 'unspecified', 'bind', 'listen', 'by-another'])(
      'refuses: %s',
      async (attempt) => {
        for (const line of await tried(attempt, 6, ['open', 'over'])) expect(line).toMatch(REFUSED);
      },
    );

    it.each(['routing-header', 'packet-options', 'family', 'source-route', 'device'])(
      'takes no option that sends it elsewhere: %s',
      async (attempt) => {
        expect(await tried(attempt, 6, ['open', 'over'])).toEqual([
          `open errno ${ENOPROTOOPT}`,
          `over errno ${ENOPROTOOPT}`,
        ]);
      },
    );

    it.each(['sendto', 'sendmsg', 'control-data', 'fast-open-sendto', 'fast-open-sendmsg'])(
      'sends to its peer alone: %s',
      async (attempt) => {
        await tried(attempt, 6, ['open', 'over']);
      },
    );
  });
});
