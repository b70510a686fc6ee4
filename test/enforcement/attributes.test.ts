/**
 * Mode, owner, times, extended attributes and flags, and watches, without namespaces: as the kernel does it where the policy
 * lets the workload write (watch: read), and nowhere else, whatever is swapped meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ERRNOS, errnoName } from '../../src/kernel/errno.ts';
import { ended } from '../support/command.ts';
import { platformUnavailable } from './platform.ts';
import { denialsIn, Workplace } from './workplace.ts';

describe.skipIf(platformUnavailable !== null)('attributes in the platform tier', () => {
  let place: Workplace;
  let outside: string;
  let secret: string;
  let readOnly: string;
  let probe: string;

  beforeAll(() => {
    place = new Workplace('attributes', 'platform');
    probe = place.probe;
  });
  afterAll(() => place?.remove());

  beforeEach(() => {
    // Mirrors of each other, so that each can be tried with and without a sandbox.
    for (const directory of [place.project, join(place.scratch.path, 'mirror')]) {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(join(directory, 'in'), { recursive: true });
      for (const name of ['regular', 'in/file']) writeFileSync(join(directory, name), 'text\n');
      symlinkSync('regular', join(directory, 'link'));
      symlinkSync('nowhere', join(directory, 'dangling'));
      symlinkSync('circle', join(directory, 'circle'));
    }
    outside = place.scratch.directory('outside');
    readOnly = place.scratch.directory('read-only');
    secret = join(outside, 'file');
    for (const path of [secret, join(readOnly, 'file')]) {
      rmSync(path, { force: true });
      writeFileSync(path, 'text\n', { mode: 0o644 });
    }
    symlinkSync(outside, join(place.project, 'to-outside'));
  });

  const options = (): string[] => ['--quiet', '--network', 'block', '--read', readOnly];
  const run = (...words: string[]) => place.run(options(), words);
  const answers = (stdout: string): [string, string][] =>
    [...stdout.matchAll(/^([\w-]+) (\d+)$/gm)].map(([, name, errno]) => [
      name!,
      errno === '0' ? 'works' : errnoName(Number(errno)),
    ]);
  /** What an attacker would have changed. */
  const state = (path: string): string => {
    const { mode, mtimeMs, ctimeMs } = statSync(path);
    return `${mode} ${mtimeMs} ${ctimeMs}`;
  };

  it.each(['regular', 'link', 'in', '.', 'in/../regular'])(
    'every call on %s answers what it answers without a sandbox',
    async (path) => {
      const without = await place.onHost([probe, 'every-change', path], join(place.scratch.path, 'mirror'));
      const { stdout, events } = await run(probe, 'every-change', path);
      expect(answers(stdout)).toEqual(answers(without.stdout));
      expect(answers(stdout).length).toBeGreaterThan(20);
      expect(denialsIn(events)).toEqual([]);
    },
  );

  it('every call that is wrong answers what it answers without a sandbox', async () => {
    const without = await place.onHost([probe, 'odd-changes', 'regular'], join(place.scratch.path, 'mirror'));
    const { stdout, events } = await run(probe, 'odd-changes', 'regular');
    expect(answers(stdout)).toEqual(answers(without.stdout));
    expect(denialsIn(events)).toEqual([]);
  });

  it.each([
    ['outside', () => secret],
    ['outside, by a link', () => 'to-outside/file'],
    ['outside, by dots', () => '../outside/file'],
    ['outside, by its root', () => `/proc/self/root${secret}`],
    ['outside, by its working directory', () => '/proc/self/cwd/../outside/file'],
    ['a directory outside', () => outside],
    ['what is read-only', () => join(readOnly, 'file')],
    ['a directory that is read-only', () => readOnly],
    ['/', () => '/'],
    ['/proc/self/comm', () => '/proc/self/comm'],
  ])('no call changes %s, and each refusal is told of', async (_what, path) => {
    const before = [secret, outside, join(readOnly, 'file'), readOnly].map(state);
    const { stdout, events } = await run(probe, 'every-change', path());
    const given = answers(stdout);
    expect(given.length).toBeGreaterThan(15);
    expect(new Set(given.map(([, answer]) => answer))).toEqual(new Set(['EACCES']));
    expect([secret, outside, join(readOnly, 'file'), readOnly].map(state)).toEqual(before);
    const denials = denialsIn(events);
    expect(denials.map(({ rule }) => rule?.policy)).toEqual(denials.map(() => 'attributes'));
    expect(denials.reduce((sum, { count }) => sum + (count ?? 1), 0)).toBe(given.length);
  });

  it('calls and requests that nobody makes for it change nothing', async () => {
    const { stdout } = await run(probe, 'unmade-changes', join(readOnly, 'file'));
    const given = answers(stdout);
    expect(given.slice(0, 3).map(([, answer]) => answer)).toEqual(['ENOSYS', 'ENOSYS', 'ENOSYS']);
    expect(given.slice(3).map(([, answer]) => answer)).toEqual(given.slice(3).map(() => 'EACCES'));
  });

  it.each([
    ['the text of the path', 'text', () => ['in/file', secret]],
    ['the file behind a descriptor', 'number', () => ['in/file', secret]],
    ['a read-only file behind a descriptor', 'number', () => ['in/file', join(readOnly, 'file')]],
    ['a directory on the way', 'directory', () => ['in', 'to-outside']],
  ])('no race of a second thread that changes %s changes a file outside', async (_what, kind, names) => {
    const before = [secret, join(readOnly, 'file')].map(state);
    const { code, stdout, stderr } = await run(probe, 'change-race', kind, ...names(), '5000');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect([secret, join(readOnly, 'file')].map(state)).toEqual(before);
    // It did race: some calls were about the one, some about the other.
    const [, worked, all] = /^(\d+) of (\d+)$/m.exec(stdout)!;
    expect(Number(worked)).toBeGreaterThan(0);
    expect(Number(worked)).toBeLessThan(Number(all));
  });

  it('a file with a name inside and one outside can be changed by the one inside alone', async () => {
    linkSync(secret, join(place.project, 'linked'));
    const before = state(secret);
    const { stdout } = await run(probe, 'every-change', secret);
    expect(new Set(answers(stdout).map(([, answer]) => answer))).toEqual(new Set(['EACCES']));
    expect(state(secret)).toBe(before);
    const inside = await run(probe, 'fchmodat', 'linked', '0600');
    expect(inside.code).toBe(0);
  });

  it('with the name inside gone, it can be changed no more by a descriptor', async () => {
    linkSync(secret, join(place.project, 'linked'));
    const mode = statSync(secret).mode;
    const { stdout } = await run(probe, 'change-unlinked', 'linked');
    expect(stdout).toBe(`errno ${ERRNOS.EACCES}\n`);
    expect(statSync(secret).mode).toBe(mode);
  });

  it('a link in the place of a directory that is granted by itself leads nowhere', async () => {
    const inner = join(place.project, 'in');
    const before = state(secret);
    // What grants are about is looked at before the program starts, although nobody asks before it is done.
    const script = `mv in away && ln -s ${outside} in && exec "$0" every-change in/file`;
    const { stdout } = await place.run([...options(), '--write', inner], ['/bin/sh', '-c', script, probe]);
    expect(new Set(answers(stdout).map(([, answer]) => answer))).toEqual(new Set(['EACCES']));
    expect(state(secret)).toBe(before);
  });

  it('paths that are longer than any are answered, and not followed', async () => {
    const script = `import os
for i in range(30):
    os.mkdir('d' * 200); os.chdir('d' * 200)
open('f', 'w').close()
try: os.chmod('f', 0o600); print('works')
except OSError as e: print(e.errno)`;
    const { stdout } = await run('python3', '-c', script);
    expect(['works\n', `${ERRNOS.EACCES}\n`]).toContain(stdout);
    spawnSync('rm', ['-rf', place.project]);
  });

  it.each([
    ['the project', () => '.', true],
    ['a file that is read-only', () => join(readOnly, 'file'), true],
    ['a directory that is read-only', () => readOnly, true],
    ['a directory outside', () => outside, false],
    ['a directory outside, by a link', () => 'to-outside', false],
    ['a directory outside, by its root', () => `/proc/self/root${outside}`, false],
    ['a file outside', () => secret, false],
    ['a directory above', () => dirname(outside), false],
  ])('a watch on %s', async (_what, path, works) => {
    const { code, stdout, events } = await run(probe, 'watch', path());
    expect({ code, stdout }).toEqual(
      works ? { code: 0, stdout: 'ok\n' } : { code: 1, stdout: `errno ${ERRNOS.EACCES}\n` },
    );
    expect(denialsIn(events).map(({ rule }) => rule?.policy)).toEqual(works ? [] : ['watching']);
  });

  it('no race of a second thread gets a watch outside, where descriptors can be taken', async () => {
    const child = place.start(options(), [probe, 'watch-race', 'in', outside, '5000']);
    const making = setInterval(
      () => writeFileSync(join(outside, 'made'), `${readdirSync(outside).length}`),
      1,
    );
    const removing = setInterval(() => rmSync(join(outside, 'made'), { force: true }), 2);
    const { stdout } = await ended(child);
    clearInterval(making);
    clearInterval(removing);
    expect(stdout).toBe(`errno ${ERRNOS.EACCES}\n`);
  });
});
