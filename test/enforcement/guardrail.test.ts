/** Guardrails of an operator on top of the policy: nothing that it allows goes past them, by whatever way. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipped } from '../support/installed-once.ts';
import { type OpaServer, opa, opaBundle, startOpa } from '../support/opa.ts';
import { EchoServer, noReload, policyFor } from './reload.ts';
import { denialsIn, inEachTier, Workplace } from './workplace.ts';

const RULE = (host: string): string => `package g
deny contains msg if { input.network.host == "${host}"; msg := sprintf("%s is not for %s", [input.network.host, input.exec.path]) }`;

const TRY = (way: string, host: string): string =>
  way === 'direct'
    ? `python3 -c 'import socket; socket.create_connection(("${host}", 7000), 20); print("ok")' 2>&1 | tail -1`
    : `curl -s -p -x http://127.0.0.1:3128 -o /dev/null -w '%{http_connect}\\n' http://${host}:7000/ --max-time 5; true`;

inEachTier((tier) => {
  describe.skipIf(noReload !== null || 'missing' in opa)(`a guardrail${skipped(opa)}`, () => {
    let place: Workplace;
    let echo: EchoServer;
    let options: string[];
    let directory: string;

    beforeAll(async () => {
      place = new Workplace('guardrail', tier);
      echo = await EchoServer.start();
      directory = place.scratch.directory('guardrail');
      const policy = place.write('policy.yaml', policyFor(['a.test', 'b.test']), directory);
      const vouched = ['a.test', 'b.test'].flatMap((host) => [
        '--connect-to',
        `${host}:7000:127.0.0.1:${echo.port}`,
      ]);
      options = ['--policy', policy, ...vouched];
    });
    afterAll(() => {
      echo?.close();
      place?.remove();
    });

    const answers = async (guardrails: readonly string[], lines: readonly string[]) => {
      const run = await place.run(
        [...options, ...guardrails.flatMap((source) => ['--guardrail', source])],
        ['/bin/sh', '-c', lines.join('\n')],
      );
      return { ...run, lines: run.stdout.trim().split('\n') };
    };

    it('in a bundle holds for the proxy and for direct connections', async () => {
      const bundle = opaBundle(directory, RULE('b.test'), ['g/deny']);
      const run = await answers(
        [bundle],
        ['a.test', 'b.test'].flatMap((host) => ['tunnel', 'direct'].map((way) => TRY(way, host))),
      );
      expect(run.lines).toEqual(['200', 'ok', '403', expect.stringContaining('Permission denied')]);
      expect(denialsIn(run.events)).toMatchObject([
        { reason: 'guardrail_denied', rule: { policy: 'site' }, subject: { host: 'b.test', via: 'connect' } },
        { reason: 'guardrail_denied', rule: { policy: 'site' }, subject: { host: 'b.test', via: 'direct' } },
      ]);
    });

    it('is asked about every connection, though it be the same once more', async () => {
      const asked: string[] = [];
      const server: Server = createServer((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          const { input } = JSON.parse(String(Buffer.concat(parts))) as {
            input: { network: { host: string } };
          };
          asked.push(input.network.host);
          response.end(JSON.stringify({ result: asked.length <= 2 }));
        });
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/data/g/allow`;
      try {
        const loop = `python3 -c '
import socket
for _ in range(4):
    try: socket.create_connection(("a.test", 7000), 20); print("ok")
    except OSError as problem: print(problem.strerror)'`;
        const run = await answers([url], [loop]);
        expect(run.lines).toEqual(['ok', 'ok', 'Permission denied', 'Permission denied']);
        expect(asked).toEqual(['a.test', 'a.test', 'a.test', 'a.test']);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });

    it('at an OPA server holds as well, and denies when the server is away', async () => {
      let opa: OpaServer | null = await startOpa(RULE('b.test'));
      const url = `${opa.url}/g/deny`;
      try {
        const both = ['a.test', 'b.test'].map((host) => TRY('direct', host));
        const run = await answers([url], both);
        expect(run.lines).toEqual(['ok', expect.stringContaining('Permission denied')]);
        opa.stop();
        opa = null;
        const away = await answers([url], [...both, TRY('tunnel', 'a.test')]);
        expect(away.lines).toEqual([
          expect.stringContaining('Permission denied'),
          expect.stringContaining('Permission denied'),
          '503',
        ]);
        expect(denialsIn(away.events).map(({ reason }) => reason)).toEqual(Array(3).fill('guardrail_failed'));
      } finally {
        opa?.stop();
      }
    });

    it('allows only what all of them allow', async () => {
      const [first, second] = ['a.test', 'b.test'].map((host) =>
        opaBundle(place.scratch.directory(`guardrail-${host}`), RULE(host), ['g/deny']),
      );
      const run = await answers(
        [first!, `${second}#g/deny`],
        ['a.test', 'b.test'].map((host) => TRY('direct', host)),
      );
      expect(run.lines).toEqual([
        expect.stringContaining('Permission denied'),
        expect.stringContaining('Permission denied'),
      ]);
    });

    it.each<[string, (bundle: string) => string[], string]>([
      ['is not there', () => ['--guardrail', '/no/such/bundle'], 'ENOENT'],
      ['is none', () => ['--guardrail', join(directory, 'guardrail.rego')], 'opa build'],
      ['has no such rule', (bundle) => ['--guardrail', `${bundle}#g/other`], 'has no rule `g/other`'],
      [
        'would not be asked',
        (bundle) => ['--guardrail', bundle, '--network', 'allow', '--accept-degraded'],
        'no guardrail would be asked',
      ],
    ])('stops the start when it %s', async (_what, wanted, why) => {
      const bundle = opaBundle(directory, RULE('b.test'), ['g/deny']);
      const { code, stderr } = await place.run([...options, ...wanted(bundle)], ['true']);
      expect(code).toBe(125);
      expect(stderr).toContain(why);
    });

    it('cannot be written by the program', async () => {
      const built = opaBundle(directory, RULE('b.test'), ['g/deny']);
      const { code, stderr, stdout } = await place.run(
        [...options, '--guardrail', built, '--write', directory],
        ['/bin/sh', '-c', `echo x > ${built} || echo refused`],
      );
      // Without mounts a directory with a file of ours in it cannot be given at all.
      if (tier === 'platform')
        expect([code, stderr]).toEqual([125, expect.stringContaining("openshell's own")]);
      else expect(stdout).toContain('refused');
    });
  });
});
