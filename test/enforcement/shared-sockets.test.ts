/**
 * Sockets that the warden and the program hold both: a flag that another thread changes does not make the warden wait. Without
 * namespaces they are of the host's network: no port is shared with a server of the user, no group of the network is joined.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRNOS } from '../../src/kernel/errno.ts';
import { platformUnavailable } from './platform.ts';
import { inEachTier, Workplace } from './workplace.ts';

const WORKS = 0;

inEachTier((tier) => {
  let place: Workplace;

  beforeAll(() => {
    place = new Workplace('shared-sockets', tier);
  });
  afterAll(() => place?.remove());

  it('never makes the warden wait for a connect of a program that does not', async () => {
    const name = join(place.project, 'full');
    const { stdout, stderr } = await place.run(
      ['--quiet', '--network', 'block'],
      [place.probe, 'wait-elsewhere', '300', name],
      { limitMs: 60_000 },
    );
    expect(stdout, stderr).toMatch(/^rounds 300$/m);
  });
});

describe.skipIf(platformUnavailable !== null)("a socket of the host's network", () => {
  let place: Workplace;
  let server: ChildProcess;
  let port: string;

  beforeAll(async () => {
    place = new Workplace('shared-sockets-host', 'platform');
    server = spawn(place.probe, ['greet-all'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    port = line.toString().trim();
  });
  afterAll(() => {
    server?.kill('SIGKILL');
    place?.remove();
  });

  const attacks = (): [string, ...string[]][] => [
    ['share-port', port],
    ['join-group', '2', '239.66.77.88'],
    ['join-group', '10', 'ff11::dead:beef'],
  ];

  it('shares no port with a server of the user, and joins no group', async () => {
    for (const attack of attacks()) {
      expect((await place.onHost([place.probe, ...attack])).code, `${attack[0]} on the host`).toBe(WORKS);
      const { stdout, stderr, code } = await place.run(
        ['--quiet', '--network', 'proxy'],
        [place.probe, ...attack],
      );
      expect(code, attack.join(' ') + stdout + stderr).not.toBe(WORKS);
      expect(stdout + stderr).toContain(String(ERRNOS.ENOPROTOOPT));
    }
  });

  it('takes no descriptors from the warden once it is closed', async () => {
    const limited = 'ulimit -Sn 1024 && ulimit -Hn 1024 && exec "$@"';
    const command = place.commandLine(
      ['--quiet', '--network', 'proxy'],
      [place.probe, 'many-sockets', '3000'],
    );
    const { stdout, stderr } = await place.onHost(['/bin/sh', '-c', limited, 'sh', ...command]);
    expect(stdout, stderr).toBe('ok\n');
  });
});
