/** The harness itself: what goes into a container and comes out of it, and that nothing of it stays. */
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, start } from '../support/command.ts';
import { GREETING, Listeners } from '../support/listeners.ts';
import { eventually, named } from '../support/processes.ts';
import { cleanEnvironment, isRoot, isRootRole } from '../support/product.ts';
import { Scratch } from '../support/scratch.ts';
import { writeBundle } from './bundle.ts';
import { Container, handOver, runInContainer } from './container.ts';
import { forget, inUserNamespace, noContainers, runtimeCommand } from './runtime.ts';

const unavailable = noContainers ?? (isRoot && !isRootRole ? 'root: OPENSHELL_TEST_ROLE=root' : null);
const profile = 'ctrd24';
const sh = (script: string) => ['sh', '-c', script];

describe.skipIf(unavailable !== null)(
  `a container${unavailable === null ? '' : ` (skipped: ${unavailable})`}`,
  () => {
    let scratch: Scratch;
    beforeAll(() => {
      scratch = new Scratch('containers');
    });
    afterAll(() => scratch.remove());

    it('has the streams and the exit code of its program', async () => {
      const done = await runInContainer({
        profile,
        command: sh('cat; echo error >&2; exit 7'),
        input: 'through\n',
      });
      expect(done).toEqual({ code: 7, signal: null, stdout: 'through\n', stderr: 'error\n' });
    });

    it('says what cannot be started', async () => {
      const done = await runInContainer({ profile, command: ['no-such-program'] });
      expect(done.code).not.toBe(0);
      expect(done.stderr).toContain('no-such-program');
    });

    it('has the environment and the directory that it is given, and nothing of the tests', async () => {
      const { stdout } = await runInContainer({
        profile,
        command: ['env'],
        env: { A: 'b', PATH: '/usr/bin' },
      });
      const names = stdout.trim().split('\n').sort();
      expect(names.filter((line) => !line.startsWith('HOME='))).toEqual(['A=b', 'PATH=/usr/bin']);
      expect((await runInContainer({ profile, command: ['pwd'], cwd: '/usr/lib' })).stdout).toBe(
        '/usr/lib\n',
      );
      expect((await runInContainer({ profile, command: ['pwd'] })).stdout).toBe('/work\n');
    });

    it('has open files by their numbers, and no others', async () => {
      const path = join(scratch.path, 'open');
      writeFileSync(path, 'open\n');
      const files = { 3: openSync('/dev/null', 'r'), 4: openSync(path, 'r') };
      const { stdout } = await runInContainer({ profile, command: sh('cat <&4; ls /proc/$$/fd'), files });
      for (const file of Object.values(files)) closeSync(file);
      expect(stdout).toBe('open\n0\n1\n2\n3\n4\n');
    });

    it('sees of the host what is bound, and writes where it may', async () => {
      const given = scratch.directory('given');
      const kept = scratch.directory('kept');
      for (const directory of [given, kept]) handOver(directory);
      const { stdout } = await runInContainer({
        profile,
        mounts: [{ path: given, writable: true }, { path: given, at: '/given' }, { path: kept }],
        command:
          sh(`echo x > ${given}/file; cat /given/file; for d in /given ${kept}; do echo x > $d/new || echo no; done
        cd /; echo *; ls ${scratch.path}; cat /etc/shadow || echo none`),
      });
      const [said, ...rest] = stdout.split('\n');
      expect(said).toBe('x');
      expect(rest.slice(0, 2)).toEqual(['no', 'no']);
      expect(rest[2]!.split(' ')).not.toContain('boot');
      expect(rest.slice(3, 6)).toEqual(['given', 'kept', 'none']);
      expect(readFileSync(join(given, 'file'), 'utf8')).toBe('x\n');
    });

    it('has a loopback of its own, or the network of the host', async () => {
      const listeners = new Listeners();
      const port = await listeners.tcp('host', '127.0.0.1');
      const command = ['bash', '-c', `cat < /dev/tcp/127.0.0.1/${port}`];
      expect((await runInContainer({ profile, command })).stdout).toBe('');
      expect((await runInContainer({ profile, command, network: 'host' })).stdout).toBe(GREETING);
      listeners.close();
    });

    it('is one of many at a time', async () => {
      const runs = [1, 2, 3, 4].map((n) => runInContainer({ profile, command: ['echo', String(n)] }));
      expect((await Promise.all(runs)).map(({ stdout }) => stdout)).toEqual(['1\n', '2\n', '3\n', '4\n']);
    });

    describe('leaves nothing behind', () => {
      const name = `held-${process.pid}`;
      /** Two that do not hear SIGTERM, one of them in a session of its own. */
      const stubborn = sh(
        `cp /bin/sleep /tmp/${name}; trap '' TERM HUP INT; setsid /tmp/${name} 600 & /tmp/${name} 600`,
      );
      const bothRun = () => named(name).length === 2;
      const noneRuns = () => named(name).length === 0;

      /** With a directory for temporary files of its own. @returns what is left in there */
      async function leftBy(work: () => Promise<unknown>): Promise<string[]> {
        const before = process.env['TMPDIR'];
        const own = mkdtempSync(join(scratch.path, 'tmp-'));
        process.env['TMPDIR'] = own;
        try {
          await work();
        } finally {
          if (before === undefined) delete process.env['TMPDIR'];
          else process.env['TMPDIR'] = before;
        }
        await eventually(() => readdirSync(own).length === 0);
        return readdirSync(own);
      }

      it('when its program ends, even if others in it do not', async () => {
        const left = await leftBy(() =>
          runInContainer({ profile, command: sh(`cp /bin/sleep /tmp/${name}; setsid /tmp/${name} 600 &`) }),
        );
        expect(left).toEqual([]);
        expect(await eventually(noneRuns)).toBe(true);
      });

      it('when its time is over', async () => {
        const left = await leftBy(async () => {
          const run = runInContainer({ profile, command: stubborn, timeoutMs: 5000 });
          const late = expect(run).rejects.toThrow('had not ended after 5000 ms');
          expect(await eventually(bothRun)).toBe(true);
          await late;
          expect(await eventually(noneRuns)).toBe(true);
        });
        expect(left).toEqual([]);
      });

      it('when only the outermost process is killed', async () => {
        const left = await leftBy(async () => {
          const child = new Container({ profile }).start(stubborn);
          const end = ended(child);
          expect(await eventually(bothRun)).toBe(true);
          child.kill('SIGKILL');
          expect(await end).toMatchObject({ signal: 'SIGKILL' });
          expect(await eventually(noneRuns)).toBe(true);
        });
        expect(left).toEqual([]);
      });

      it('that runs, when the tests are killed', async () => {
        const env = cleanEnvironment(scratch.path, scratch.path);
        const bundle = scratch.directory('bundle');
        writeBundle(bundle, { profile }, { command: stubborn, cwd: '/', env }, inUserNamespace);
        const words = runtimeCommand(name, bundle, scratch.directory('state'), 0);
        const tests = start(['sh', '-c', '"$@" & wait', 'sh', ...words], { env });
        expect(await eventually(bothRun)).toBe(true);
        tests.kill('SIGKILL');
        expect(await eventually(noneRuns)).toBe(true);
        forget(name);
      });
    });
  },
);
