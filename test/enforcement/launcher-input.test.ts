/** What the launcher listens to: one binary plan over one descriptor, and nothing else. */
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runCommand } from '../support/command.ts';
import { descendantsOf, eventually } from '../support/processes.ts';
import { LAUNCHER, REPOSITORY } from '../support/product.ts';
import { unavailable, Workplace } from './workplace.ts';

let place: Workplace;
beforeAll(() => {
  if (unavailable === null) place = new Workplace('launcher-input');
});
afterAll(() => place?.remove());

const POLICY = 'version: 1\nfilesystem_policy: { read_write: [/tmp] }\n';
/** Variables by which somebody might hope to be heard. */
const VARIABLES = {
  OPENSHELL_POLICY: '/tmp/policy.yaml',
  OPENSHELL_NETWORK: 'allow',
  OPENSHELL_ACCEPT_DEGRADED: '1',
  OPENSHELL_DISABLE: '1',
  LD_PRELOAD: '/tmp/none.so',
  LD_LIBRARY_PATH: '/tmp',
  GLIBC_TUNABLES: 'glibc.malloc.check=3',
};

describe.skipIf(unavailable !== null)(
  'INV-05 the launcher takes no policy from text, environment or argv',
  () => {
    /** Starts the role `warden` with a control socket that says `bytes` and then ends. */
    async function warden(
      bytes: string | Uint8Array,
      argv: readonly string[] = ['warden'],
    ): Promise<Outcome> {
      const path = join(place.scratch.path, 'control');
      writeFileSync(path, bytes);
      const control = openSync(path, 'r');
      try {
        return await runCommand([LAUNCHER, ...argv], {
          cwd: place.project,
          env: VARIABLES,
          files: { 3: control },
        });
      } finally {
        closeSync(control);
      }
    }

    it.each([
      [],
      ['--help'],
      ['run', '--', '/bin/true'],
      ['warden', '--policy', '/tmp/policy.yaml'],
      ['warden', '/bin/true'],
      ['WARDEN'],
      ['warden '],
      ['probe', 'x'],
    ])('with the arguments %j it does nothing', async (...argv) => {
      const { code, stdout } = await warden('', argv);
      expect(code).toBe(2);
      expect(stdout).toBe('');
    });

    it.each([
      ['a policy', POLICY],
      ['JSON', '{"command":["/bin/touch","ran"]}\n'],
      ['a shell command', 'touch ran\n'],
      ['nothing', ''],
      ['zeros', new Uint8Array(65_536)],
      ['a length beyond all bounds', new Uint8Array([255, 255, 255, 255, 1, 0, 0, 0])],
      ['random bytes', Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251)],
    ])('for %s on its control descriptor it starts nothing', async (_what, bytes) => {
      const { code, signal } = await warden(bytes);
      expect(code === 0 && signal === null).toBe(false);
      expect(readdirSync(place.project)).toEqual([]);
    });

    it('without a control descriptor it starts nothing', async () => {
      const { code } = await runCommand([LAUNCHER, 'warden'], { cwd: place.project, env: VARIABLES });
      expect(code).not.toBe(0);
    });

    it('is started with a word and no variable, whatever openshell was started with', async () => {
      const child = place.start(['--network', 'block', '-e', 'INSIDE=1'], ['/bin/sleep', '30'], {
        env: { ...place.environment, ...VARIABLES },
      });
      const launcher = await eventually(() => descendantsOf(child.pid!)[0] ?? null);
      try {
        const commandLine = await eventually(() => {
          const text = readFileSync(`/proc/${launcher}/cmdline`, 'latin1');
          return text.startsWith(LAUNCHER) ? text : null;
        });
        expect(commandLine?.split('\0')).toEqual([LAUNCHER, 'warden', '']);
      } finally {
        process.kill(-child.pid!, 'SIGKILL');
        await eventually(() => descendantsOf(child.pid!).length === 0);
      }
    });

    it('does not change what it enforces for variables of the caller', async () => {
      const command = [
        '/bin/sh',
        '-c',
        'cat /proc/self/mountinfo | cut -d" " -f5-6; "$0" userfaultfd; "$0" tcp 127.0.0.1 9',
        place.probe,
      ];
      const plain = await place.run(['--quiet'], command);
      const { OPENSHELL_POLICY, LD_PRELOAD, LD_LIBRARY_PATH, ...harmless } = VARIABLES;
      const varied = await place.run(['--quiet'], command, {
        env: { ...place.environment, ...harmless, OPENSHELL_POLICY },
      });
      expect(varied.stdout).toBe(plain.stdout);
      expect(plain.stdout).toContain('errno 1\n');
      expect([LD_PRELOAD, LD_LIBRARY_PATH]).toBeDefined();
    });

    it('reads no variable, and its arguments in main alone', () => {
      const directory = join(REPOSITORY, 'launcher');
      for (const name of readdirSync(directory).filter((one) => one.endsWith('.c'))) {
        const text = readFileSync(join(directory, name), 'utf8');
        expect(text, name).not.toMatch(/\b(secure_)?getenv\b|\benviron\b/);
        if (name !== 'main.c') expect(text, name).not.toMatch(/\bargc\b/);
      }
    });
  },
);
