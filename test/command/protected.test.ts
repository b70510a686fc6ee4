import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, openshell, PACKAGE } from '../programs/support/openshell.ts';
import { Scratch, useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

/**
 * Everything that a program may try with a file or directory that it must not change, from inside its writable
 * directory. `$1`: the path; `$2`: the topmost directory below the writable one that leads to it.
 */
const ATTACK = `
target=$1 top=$2
echo '#!/bin/sh' > /tmp/evil
echo evil >> "$target"
echo evil > "$target"
cp -f /tmp/evil "$target"
rm -rf "$target"
mv "$target" "$target.moved"
mv -T "$top" moved-top
mkdir -p made/dir; mv -T made "$top"
mv -f /tmp/evil "$target"
ln "$target" hard && echo evil >> hard
ln -f /tmp/evil "$target"
ln -sfn /tmp/evil "$target"
ln -s "$target" soft; echo evil >> soft
chmod -R 777 "$target"
truncate -s 0 "$target"
touch -d 2001-01-01 "$target"
dd if=/tmp/evil of="$target" conv=notrunc
(exec 9<>"$target" && echo evil >&9)
echo evil >> "/proc/self/root$target"
echo evil >> "/proc/self/cwd/\${target#$PWD/}"
if [ -d "$target" ]; then
  echo evil > "$target/new"
  for file in "$target"/*; do echo evil >> "$file"; rm -rf "$file"; mv "$file" "$file.moved"; done
  (cd "$target" && echo evil > another && rm -rf ./*)
fi
true`;

/** What is at a path, through and through, as text. */
function snapshot(path: string): string {
  const stats = lstatSync(path);
  const kind = stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'file';
  const own = `${path} ${kind} ${stats.mode.toString(8)} ${stats.ino}`;
  if (kind === 'directory')
    return [
      own,
      ...readdirSync(path)
        .sort()
        .map((name) => snapshot(join(path, name))),
    ].join('\n');
  return kind === 'file' ? `${own} ${readFileSync(path, 'utf8')}` : own;
}

/** Lets a program attack `target` and expects that nothing has changed. */
async function attack(target: string, options: readonly string[] = [], where = here): Promise<void> {
  const top = join(where.cwd, relative(where.cwd, target).split('/')[0]!);
  const before = snapshot(target);
  const done = await openshell(['run', ...options, '--', 'sh', '-c', ATTACK, 'sh', target, top], where);
  expect(done.code, done.stderr).toBe(0);
  expect(existsSync(target), 'it is gone').toBe(true);
  expect(snapshot(target)).toBe(before);
}

it('the attacks work where nothing is protected, so that they prove something', async () => {
  const target = scratch.write('home/project/free/file', 'ordinary');
  await openshell(['run', '--', 'sh', '-c', ATTACK, 'sh', target, join(scratch.project, 'free')], here);
  expect(existsSync(target) && readFileSync(target, 'utf8') === 'ordinary').toBe(false);
});

describe('in a writable directory the program cannot change', () => {
  it.each([
    '.git/hooks',
    '.git/hooks/pre-commit',
    '.git/config',
    '.envrc',
    '.vscode',
    '.mcp.json',
    '.claude/settings.json',
    '.bashrc',
    '.bash_profile',
    '.profile',
    '.zshrc',
    '.config/fish/config.fish',
  ])('%s', async (name) => {
    const own = new Scratch();
    try {
      for (const file of [
        '.git/hooks/pre-commit',
        '.git/config',
        '.envrc',
        '.vscode/tasks.json',
        '.mcp.json',
        '.claude/settings.json',
        '.bashrc',
        '.bash_profile',
        '.profile',
        '.zshrc',
        '.config/fish/config.fish',
      ])
        own.write(`home/project/${file}`, `content of ${file}\n`);
      await attack(join(own.project, name), [], { cwd: own.project, home: own.home });
    } finally {
      own.remove();
    }
  });

  it('the file `.git` of a linked worktree', async () => {
    const own = new Scratch();
    try {
      const target = own.write('home/project/.git', 'gitdir: /elsewhere/.git/worktrees/x\n');
      await attack(target, [], { cwd: own.project, home: own.home });
    } finally {
      own.remove();
    }
  });

  it('what the policy protects, and the policy itself', async () => {
    const guarded = scratch.write('home/project/deploy/keys/production', 'kept');
    const policy = scratch.write(
      'home/project/policies/openshell.yaml',
      `version: 1\nfilesystem_policy:\n  include_workdir: true\n  read_only: [/usr, /etc]\n  protect: [${scratch.project}/deploy/keys]\n`,
    );
    await attack(guarded, ['--policy', policy]);
    await attack(policy, ['--policy', policy]);
  });

  it('the environment file', async () => {
    // By another name than --env-file: Node takes that for its own where it can.
    const file = scratch.write('home/project/settings/run.env', 'A=1\n');
    await attack(file, ['--env-file', file]);
  });

  it('an events file that exists', async () => {
    const file = scratch.write('home/project/log/old-events', '', 0o600);
    const done = await openshell(
      ['run', '--events', file, '--', 'sh', '-c', ATTACK, 'sh', file, join(scratch.project, 'log')],
      here,
    );
    expect(done.code).toBe(0);
    expect(eventsOf(file).map(({ type }) => type)).toEqual(['start', 'exit']);
    expect(readFileSync(file, 'utf8').trim().split('\n').length).toBe(2);
  });

  it('an events file that openshell makes for this run', async () => {
    const file = join(scratch.project, 'new-events');
    const done = await openshell(['run', '--events', file, '--', 'sh', '-c', ATTACK, 'sh', file, file], here);
    expect(done.code).toBe(0);
    expect(existsSync(file)).toBe(true);
    expect(eventsOf(file).map(({ type }) => type)).toEqual(['start', 'exit']);
  });
});

describe('openshell itself, installed below a writable directory, cannot be changed', () => {
  const own = new Scratch();
  const installed = join(own.project, 'node_modules', '@openshell', 'cli');
  const link = join(own.project, 'node_modules', '.bin', 'openshell');
  const there = { cwd: own.project, home: own.home };

  beforeAll(() => {
    for (const name of ['dist', 'launcher', 'tools', 'package.json'])
      cpSync(join(PACKAGE, name), join(installed, name), { recursive: true });
    mkdirSync(join(own.project, 'node_modules', '.bin'));
    symlinkSync('../@openshell/cli/dist/openshell.cjs', link);
    return () => own.remove();
  });

  it.each([
    'dist/openshell.cjs',
    'dist',
    'launcher/bin/openshell-launcher',
    'launcher',
    'tools/build-launcher.mjs',
  ])('%s', async (name) => {
    const script = join(installed, 'dist', 'openshell.cjs');
    const target = join(installed, name);
    const before = snapshot(installed);
    const top = join(own.project, 'node_modules');
    const done = await openshell(['run', '--', 'sh', '-c', ATTACK, 'sh', target, top], { ...there, script });
    expect(done.code, done.stderr).toBe(0);
    expect(snapshot(installed)).toBe(before);
  });

  it('nor the link by which it was started', async () => {
    const done = await openshell(
      ['run', '--', 'sh', '-c', ATTACK, 'sh', link, join(own.project, 'node_modules')],
      {
        ...there,
        script: link,
      },
    );
    expect(done.code, done.stderr).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(await openshell(['run', '--', 'echo', 'fine'], { ...there, script: link })).toMatchObject({
      code: 0,
      stdout: 'fine\n',
    });
  });
});

describe('what openshell remembers from run to run cannot be changed from inside', () => {
  const poison =
    'mkdir -p "$1"; for f in "$1"/plans/* "$1"/host/*; do echo evil > "$f"; rm -f "$f"; done; mv "$1" "$1.old"; echo evil > "$1/new"';

  it.each([
    [
      'the home directory',
      (own: Scratch) => ({ cwd: own.home, home: own.home, env: {} }),
      '.cache/openshell',
    ],
    [
      'the place of XDG_CACHE_HOME',
      (own: Scratch) => ({
        cwd: own.project,
        home: own.home,
        env: { XDG_CACHE_HOME: join(own.project, 'cache') },
      }),
      'cache/openshell',
    ],
  ])('in %s, from the second run on', async (_where, placed, name) => {
    const own = new Scratch();
    try {
      const options = placed(own);
      const cache = join(options.cwd, name);
      await openshell(['run', '--', 'true'], options);
      const before = snapshot(cache);
      await openshell(['run', '--', 'sh', '-c', poison, 'sh', cache], options);
      for (const line of before.split('\n')) expect(snapshot(cache)).toContain(line);
      expect(snapshot(cache)).not.toContain('evil');
    } finally {
      own.remove();
    }
  });

  it('in the first run of all either', async () => {
    const own = new Scratch();
    try {
      const cache = join(own.home, '.cache', 'openshell');
      const done = await openshell(['run', '--', 'sh', '-c', poison, 'sh', cache], {
        cwd: own.home,
        home: own.home,
      });
      expect(done.stderr).toContain('Read-only file system');
      expect(existsSync(`${cache}.old`)).toBe(false);
    } finally {
      own.remove();
    }
  });
});

it('a path that a link leads out of the writable directory is not made writable by it', async () => {
  const outside = scratch.write('outside/file', 'kept');
  symlinkSync(join(scratch.root, 'outside'), join(scratch.project, 'out'));
  writeFileSync(join(scratch.project, 'x'), '');
  const done = await openshell(
    ['run', '--', 'sh', '-c', 'echo evil > out/file; echo evil > out/new; cat out/file'],
    here,
  );
  expect(done.stdout).toBe('');
  expect(readFileSync(outside, 'utf8')).toBe('kept');
});
