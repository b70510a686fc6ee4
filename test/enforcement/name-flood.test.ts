/** Names that carry something out: the name server of the machine, which is ours here, writes down what it is asked. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, start } from '../support/command.ts';
import { isRoot } from '../support/product.ts';
import { inEachTier, unavailable, Workplace } from './workplace.ts';

inEachTier((tier) => {
  /** Answers every question with "no such name", and writes it down. */
  const NAME_SERVER = `const { appendFileSync } = require('node:fs');
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (message, { address, port }) => {
  let name = '';
  for (let at = 12; message[at] > 0; at += message[at] + 1) name += message.toString('latin1', at + 1, at + 1 + message[at]) + '.';
  appendFileSync(process.argv[1], name + '\\n');
  message[2] |= 0x80;
  message[3] = 0x83;
  socket.send(message, port, address);
});
socket.bind(53, '127.0.0.1', () => appendFileSync(process.argv[1], 'ready\\n'));
setTimeout(() => process.exit(), 100_000);`;

  /**
   * In namespaces where the machine's name server is ours: $1 resolv.conf, $2 what it was asked, $3 it, $4 Node. With an
   * address, or nobody would look for one (AI_ADDRCONFIG).
   */
  const WORLD = `ip link set lo up && ip address add 192.0.2.9/32 dev lo && mount --bind "$1" /etc/resolv.conf || exit 9
"$4" -e "$3" "$2" & server=$!
until [ -s "$2" ]; do sleep 0.05; done
user=$5; group=$6; shift 6
unshare -U --map-user="$user" --map-group="$group" "$@"
code=$?; kill "$server"; exit "$code"`;

  const NAMESPACES = ['unshare', '-Urnm', '--fork', '--kill-child'];
  const noWorld =
    unavailable !== null ||
    isRoot ||
    spawnSync(NAMESPACES[0]!, [...NAMESPACES.slice(1), 'ip', 'link', 'set', 'lo', 'up']).status !== 0;

  let place: Workplace;
  beforeAll(() => {
    if (!noWorld) place = new Workplace('name-flood', tier);
  });
  afterAll(() => place?.remove());

  let runs = 0;

  async function flooded(allow: string, script: string): Promise<{ stdout: string; asked: string[] }> {
    runs += 1;
    const asked = join(place.scratch.path, `asked-${runs}`);
    const resolv = place.write('resolv.conf', 'nameserver 127.0.0.1\n', place.scratch.path);
    const options = ['--quiet', '--network', 'proxy', '--allow', allow, '--allow', 'ok.test:80'];
    options.push('--connect-to', 'ok.test:80:127.0.0.1:80');
    const command = place.commandLine(options, ['/bin/sh', '-c', script, place.probe]);
    const given = [resolv, asked, NAME_SERVER, process.execPath, process.getuid!(), process.getgid!()].map(
      String,
    );
    const child = start([...NAMESPACES, '/bin/sh', '-c', WORLD, 'sh', ...given, ...command], {
      cwd: place.project,
      env: place.environment,
    });
    const { code, stdout, stderr } = await ended(child, 80_000);
    expect(code, stderr).toBe(0);
    const [ready, ...names] = readFileSync(asked, 'utf8').trim().split('\n');
    expect(ready).toBe('ready');
    return { stdout, asked: names };
  }

  const AFTER = 'getent ahostsv4 ok.test > answer && echo alive';

  describe.skipIf(noWorld)('names that are looked up', () => {
    it('are asked for outside where a rule lists them', async () => {
      const { asked } = await flooded('*.many.test:80', 'getent ahostsv4 one.many.test; :');
      expect(new Set(asked)).toEqual(new Set(['one.many.test.']));
    });

    it('10,000 at once that no rule lists: none is asked for, and others are still answered', async () => {
      const { stdout, asked } = await flooded(
        '*.many.test:80',
        `"$0" dns-flood 10000 0 attacker.test; ${AFTER}`,
      );
      expect(asked).toEqual([]);
      expect(stdout).toMatch(/^answered \d+ noerror 0 servfail \d+ nxdomain [1-9]\d*\nerrno 13\nalive\n$/);
    });

    it('with labels of 60 characters, under a pattern: none is asked for', async () => {
      const { stdout, asked } = await flooded('*.many.test:80', `"$0" dns-flood 1000 60 many.test; ${AFTER}`);
      expect(asked).toEqual([]);
      expect(stdout).toMatch(/^answered \d+ noerror 0 servfail 0 nxdomain [1-9]\d*\nerrno 13\nalive\n$/);
    });

    it('of two labels of 40 characters, where the pattern takes one: none is asked for', async () => {
      const { asked } = await flooded(
        '*.many.test:80',
        `"$0" dns-flood 100 40 ${'y'.repeat(40)}.many.test; ${AFTER}`,
      );
      expect(asked).toEqual([]);
    });

    it('10,000 at once under a pattern: few are asked for', async () => {
      const began = performance.now();
      const { stdout, asked } = await flooded('*.many.test:80', `"$0" dns-flood 10000 0 many.test; ${AFTER}`);
      const seconds = (performance.now() - began) / 1000;
      expect(stdout).toMatch(/alive\n$/);
      expect(new Set(asked).size).toBeLessThanOrEqual(50 + 5 * Math.ceil(seconds));
    });
  });
});
