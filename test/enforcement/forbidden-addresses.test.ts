/** All spellings of addresses of the host, where one server is allowed by its name: another one counts who reaches it. */
import type { Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ForbiddenServer,
  hasVersion6,
  hostAddress,
  hostAddress6,
  linkLocal,
  portOf,
  startGreeter,
} from './forbidden-server.ts';
import { inEachTier, Workplace } from './workplace.ts';

inEachTier((tier) => {
  let place: Workplace;
  let greeter: Server;
  let forbidden: ForbiddenServer;
  let options: string[];

  beforeAll(async () => {
    place = new Workplace('forbidden-addresses', tier);
    forbidden = await ForbiddenServer.start();
    greeter = await startGreeter();
    const pin = `ok.test:${forbidden.port}:127.0.0.1:${portOf(greeter)}`;
    options = ['--quiet', '--network', 'proxy', '--connect-to', pin];
    // Its port is allowed for one name: nothing but the address tells the two servers apart.
    options.push('--allow', `ok.test:${forbidden.port}`);
  });
  afterAll(() => {
    place?.remove();
    for (const server of [greeter, forbidden]) server?.close();
  });
  afterEach(async () => {
    if (forbidden !== undefined) expect(await forbidden.reached()).toEqual([]);
  });

  /** 192.0.2.1 as c000:201. */
  const inHexadecimal = (address: string): string => {
    const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number];
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  };
  /** An IPv4 address in the forms in which IPv6 carries one. */
  const carried = (address: string): string[] => {
    const digits = inHexadecimal(address);
    return [
      `::ffff:${address}`,
      `::${digits}`,
      `::ffff:0:${digits}`,
      `64:ff9b::${digits}`,
      `64:ff9b:1::${digits}`,
      `2002:${digits}::1`,
      `2001:0:${digits}::1`,
      `fe80::5efe:${digits}`,
    ];
  };
  const targets = (): string[] => {
    const four = ['127.0.0.1', '127.255.255.254', '0.0.0.0', ...(hostAddress === null ? [] : [hostAddress])];
    const six = hasVersion6
      ? ['::1', '::', ...(hostAddress6 === null ? [] : [hostAddress6]), ...four.flatMap(carried)]
      : [];
    return [
      ...four,
      '169.254.169.254',
      '255.255.255.255',
      '224.0.0.1',
      ...six,
      ...(hasVersion6 ? ['ff02::1'] : []),
    ];
  };
  const zones = (): string[] => {
    const addresses = ['fe80::1', '::1', ...(linkLocal === null ? [] : [linkLocal.address])];
    const numbers = [0, 1, 2, 3, ...(linkLocal === null ? [] : [linkLocal.index])];
    return hasVersion6 ? addresses.flatMap((address) => numbers.map((zone) => `${address} ${zone}`)) : [];
  };

  /** Runs one attempt for each set of arguments, all at once. @returns those that worked */
  async function worked(attempt: string, all: readonly string[]): Promise<string[]> {
    const lines = all.map((args) => `echo "${args}: $("$0" ${attempt.replace('ARGS', args)} 2>&1)" &`);
    const script = `at=$(getent ahostsv6 ok.test | while read -r it rest; do echo "$it"; break; done)\n${lines.join('\n')}\nwait`;
    const { stdout } = await place.run(options, ['/bin/sh', '-c', script, place.probe]);
    const results = stdout.trim().split('\n');
    expect(results).toHaveLength(all.length);
    expect(stdout).not.toContain('broken');
    return results.filter((line) => line.endsWith(': ok'));
  }

  describe('the server that counts', () => {
    it.each(['127.0.0.1', ...(hostAddress === null ? [] : [hostAddress]), ...(hasVersion6 ? ['::1'] : [])])(
      'is there without a sandbox, at %s',
      async (address) => {
        for (const action of ['tcp', 'udp'])
          await place.onHost([place.probe, action, address, String(forbidden.port)]);
        expect((await forbidden.reached()).sort()).toEqual(['connection', 'datagram']);
      },
    );
  });

  describe('a server of the host is not reached, however its address is written', () => {
    it('where the allowed one is, by its name', async () => {
      const script =
        'exec "$0" handed-over open reconnect "$(getent ahostsv4 ok.test | head -n 1 | cut -d " " -f 1)" "$1" 127.0.0.1 "$1"';
      const { stdout } = await place.run(options, [
        '/bin/sh',
        '-c',
        script,
        place.probe,
        String(forbidden.port),
      ]);
      expect(stdout).toMatch(/^errno (13|106)\n$/);
    });

    it.each([
      ['a connection', 'tcp ARGS PORT'],
      ['a connection that does not wait', 'tcp-later ARGS PORT'],
      ['a connection after AF_UNSPEC', 'tcp-again ARGS PORT'],
      ['a datagram', 'udp ARGS PORT'],
      ['a connected datagram socket', 'udp-connected ARGS PORT'],
      ['a datagram by sendmmsg', 'udp-messages ARGS PORT'],
      ['a question to another name server', 'dns-udp ARGS PORT'],
      ['a question to another name server by TCP', 'dns-tcp ARGS PORT'],
      ['a question to port 53 of another name server', 'dns-udp ARGS 53'],
      ['fast open', 'fast-open sendto ARGS PORT'],
    ])('by %s', async (_how, attempt) => {
      expect(await worked(attempt.replace('PORT', String(forbidden.port)), targets())).toEqual([]);
    });

    it.skipIf(!hasVersion6).each([
      ['a connection', 'tcp-zone'],
      ['a datagram', 'udp-zone'],
    ])('by %s with the number of an interface', async (_how, attempt) => {
      const all = zones().map((one) => one.replace(' ', ` ${forbidden.port} `));
      expect(await worked(`${attempt} ARGS`, all)).toEqual([]);
    });
  });
});
