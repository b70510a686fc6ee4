/** Without a private root: what cannot be held is refused before anything runs, and what is shown is not more than that. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRNOS } from '../../src/kernel/errno.ts';
import { ended } from '../support/command.ts';
import { platformUnavailable } from './platform.ts';
import { denialsIn, Workplace } from './workplace.ts';

describe.skipIf(platformUnavailable !== null)('in the platform tier', () => {
  let place: Workplace;
  beforeAll(() => {
    place = new Workplace('platform-grants', 'platform');
  });
  afterAll(() => place?.remove());

  const policy = (lines: string): string =>
    place.write(
      'policy.yaml',
      `version: 1\nfilesystem_policy:\n  include_workdir: true\n  read_only: [/usr, /bin, /lib, /lib64, /etc]\n${lines}\n`,
      place.scratch.path,
    );

  it.each(['deny', 'protect'])('`%s` below a directory that is granted runs nothing', async (list) => {
    place.write('part/file', '');
    const { code, stdout, stderr } = await place.run(
      ['-p', policy(`  ${list}: ["\${WORKDIR}/part"]`)],
      ['echo', 'RUN'],
    );
    expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
    expect(stderr).toMatch(/policy\.yaml:5.*the platform tier cannot hold `deny` or `protect` there/);
  });

  it.each([
    ['the policy', () => ['-p', place.write('policy.yaml', 'version: 1\n')]],
    ['a file of variables', () => ['--env-file', place.write('variables.env', 'A=b\n')]],
    ['the file of events', () => ['--events', join(place.project, 'own.jsonl')]],
  ])('%s in a directory that can be written runs nothing', async (_what, options) => {
    const { code, stdout, stderr } = await ended(place.start(options(), ['echo', 'RUN']));
    expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
    expect(stderr).toMatch(/openshell's own .* lies in a directory that the workload may write/);
  });

  it('the cache in a directory that can be written runs nothing', async () => {
    const env = { ...place.environment, XDG_CACHE_HOME: join(place.project, 'cache') };
    const { code, stdout } = await place.run([], ['echo', 'RUN'], { env });
    expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
  });

  it.each([
    ['/dev/shm', 'text\n'],
    // With the terminals of others in it, it is never granted whole.
    ['/dev', ''],
  ])('what lies in %s, shown by --read, is not written', async (shown, read) => {
    const file = join('/dev/shm', `openshell-${process.pid}`);
    place.write(file, 'text\n', '/');
    try {
      const script = `cat ${file}; echo forged >> ${file}; echo new > ${file}-new`;
      const { stdout } = await place.run(['--quiet', '--read', shown], ['/bin/sh', '-c', script]);
      expect(stdout).toBe(read);
      expect(readFileSync(file, 'utf8')).toBe('text\n');
      expect(existsSync(`${file}-new`)).toBe(false);
    } finally {
      rmSync(file);
    }
  });

  it('a link in the place of a directory that is granted by itself leads to no Unix socket', async () => {
    const outside = place.scratch.directory('service');
    const path = join(outside, 'socket');
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      const inner = join(place.project, 'inner');
      mkdirSync(inner);
      const script = `mv inner away && ln -s ${outside} inner && exec "$0" unix-stream ${path}`;
      const { stdout, events } = await place.run(
        ['--quiet', '--write', inner],
        ['/bin/sh', '-c', script, place.probe],
      );
      expect(stdout).toBe(`errno ${ERRNOS.EACCES}\n`);
      expect(denialsIn(events).map(({ reason }) => reason)).toEqual(['unix_socket_not_listed']);
    } finally {
      server.close();
    }
  });

  // Caches of packages are of directories that nobody may write, and these stay where they are.
  const leaves = async (script: string): Promise<string[]> => {
    const { stdout } = await place.run(
      ['--quiet'],
      ['/bin/sh', '-c', `${script}; echo "$HOME"; echo "$TMPDIR"`],
    );
    const made = stdout.trim().split('\n');
    expect(made).toHaveLength(2);
    const left = made.filter((path) => existsSync(path));
    spawnSync('chmod', ['-R', 'u+rwx', dirname(made[0]!)]);
    rmSync(dirname(made[0]!), { recursive: true, force: true });
    return left;
  };

  it('HOME and TMPDIR are gone with the run', async () => {
    expect(await leaves('mkdir "$HOME/sub" && echo x > "$HOME/sub/file" && chmod 0 "$TMPDIR"')).toEqual([]);
  });

  // As the caches of some package managers are.
  it('HOME and TMPDIR are gone with the run, when nobody may write a directory in them', async () => {
    expect(await leaves('mkdir "$HOME/sub" && echo x > "$HOME/sub/file" && chmod 555 "$HOME/sub"')).toEqual(
      [],
    );
  });
});
