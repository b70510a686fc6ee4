import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environmentOf, finished, OPENSHELL, openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const policy = scratch.policy('version: 1\n');

/** The output of openshell through a real pipe (what Node makes for `stdio` is a socket) with a reader that is slow. */
async function piped(args: readonly string[]): Promise<string> {
  const child = spawn(
    '/bin/sh',
    ['-c', '"$@" | { sleep 1; cat; }', 'sh', process.execPath, OPENSHELL, ...args],
    {
      cwd: here.cwd,
      env: environmentOf(here),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return (await finished(child)).stdout;
}

describe('help', () => {
  it.each([
    [['--help'], 'usage: openshell COMMAND'],
    [['-h'], 'usage: openshell COMMAND'],
    [['help'], 'usage: openshell COMMAND'],
    [['run', '--help'], 'usage: openshell run'],
    [['run', '-h'], 'usage: openshell run'],
    [['plan', '--help'], 'usage: openshell plan'],
    [['explain', '--help'], 'usage: openshell explain'],
    [['policy', '--help'], 'usage: openshell policy check'],
    [['policy', 'check', '--help'], 'usage: openshell policy check'],
    [['doctor', '--help'], 'usage: openshell doctor'],
  ])('of %j goes to standard output with code 0', async (args, first) => {
    const done = await openshell(args, here);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout.startsWith(first)).toBe(true);
  });

  it('names every option of run, and each named option exists', async () => {
    const { stdout } = await openshell(['run', '--help'], here);
    const named = [...stdout.matchAll(/(?<![\w-])--([a-z][a-z-]+)/g)].map((match) => match[1]!);
    expect(new Set(named).size).toBeGreaterThan(15);
    for (const name of new Set(named)) {
      const { stderr } = await openshell(['run', `--${name}`, '--no-such-option', '--', 'true'], here);
      expect(stderr, name).not.toContain(`Unknown option '--${name}'`);
    }
  });
});

describe('--version', () => {
  it('prints name and version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await openshell(['--version'], here)).toMatchObject({ code: 0, stdout: `openshell ${version}\n` });
    const { stdout } = await openshell(['--version', '--output', 'json'], here);
    expect(JSON.parse(stdout)).toEqual({ name: 'openshell', version });
  });
});

describe('a command that was not understood', () => {
  it.each([
    ['no command', []],
    ['an unknown command', ['fly']],
    ['a name that every object has', ['constructor']],
    ['an argument for --version', ['--version', 'now']],
    ['an unknown option', ['plan', '--no-such-option']],
    ['an unknown sub-command', ['policy', 'fly']],
    ['no sub-command', ['policy']],
    ['no file to check', ['policy', 'check']],
    ['two files to check', ['policy', 'check', policy, policy]],
    ['an unknown output', ['plan', '--output', 'xml']],
    ['two policies to plan', ['plan', policy, policy]],
    ['nothing to explain', ['explain']],
    ['two things to explain', ['explain', '--read', '/a', '--write', '/b']],
    ['a destination without a port', ['explain', '--connect', 'example.com']],
    ['a port that is none', ['explain', '--connect', 'example.com:99999']],
    ['an unknown system call', ['explain', '--syscall', 'fly()']],
    ['an argument for doctor', ['doctor', 'now']],
  ])('has code 2 and one short complaint: %s', async (_what, args) => {
    const done = await openshell(args, here);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toMatch(/^(openshell|usage: openshell)/);
    expect(done.stderr).not.toMatch(/\n\s+at /);
  });
});

describe('--output json', () => {
  it.each([
    ['plan', ['plan']],
    ['plan of a policy', ['plan', policy]],
    ['plan --diff', ['plan', '--diff', policy]],
    ['explain', ['explain', '--read', '/etc/hosts']],
    ['policy check', ['policy', 'check', policy]],
    ['policy schema', ['policy', 'schema']],
    ['doctor', ['doctor']],
  ])('makes %s print one JSON document and nothing else', async (name, args) => {
    const done = await openshell([...args, ...(name === 'policy schema' ? [] : ['--output', 'json'])], here);
    expect(done.stderr).toBe('');
    expect(typeof JSON.parse(done.stdout)).toBe('object');
    expect(done.stdout.endsWith('\n')).toBe(true);
  });

  it('is no option of run, whose output belongs to the program', async () => {
    expect((await openshell(['run', '--output', 'json', '--', 'true'], here)).code).toBe(125);
  });

  it('arrives whole through a pipe, however long it is', async () => {
    const direct = (await openshell(['plan', '--output', 'json'], here)).stdout;
    expect(direct.length).toBeGreaterThan(70_000);
    expect(await piped(['plan', '--output', 'json'])).toBe(direct);
  });

  it('has no colour, and neither has text that goes to a pipe', async () => {
    for (const args of [
      ['plan'],
      ['doctor'],
      ['explain', '--read', '/etc/hosts'],
      ['plan', '--output', 'json'],
    ])
      expect((await openshell(args, here)).stdout).not.toContain('\x1b');
  });
});

it('a complaint about an argument stays one line', async () => {
  const { stderr } = await openshell(['plan', '--output', 'x\nopenshell: forged'], here);
  expect(stderr).not.toMatch(/^openshell: forged/m);
});

const ESCAPE = '\x1b[31m';

it.each([
  ['policy check', ['policy', 'check']],
  ['plan', ['plan']],
  ['explain', ['explain', '--read', '/usr']],
  ['run', ['run', '--policy']],
])('%s prints nothing of a policy that a terminal would obey', async (_name, args) => {
  const evil = scratch.policy(
    `version: 1\n"net${ESCAPE}": 1\nfilesystem_policy:\n  read_only: ["/usr/\\x1b[31mred"]\n`,
    'evil.yaml',
  );
  const { stdout, stderr } = await openshell(
    [...args, evil, ...(args[0] === 'run' ? ['--', 'true'] : [])],
    here,
  );
  expect(stdout + stderr).not.toContain('\x1b');
  expect(stdout + stderr).toContain('evil.yaml');
});

it.each([
  ['a path to explain', ['explain', '--read', `/x${ESCAPE}`]],
  ['a program', ['run', '--', `/x${ESCAPE}`]],
])('%s with control characters is printed without them', async (_what, args) => {
  const { stdout, stderr } = await openshell(args, here);
  expect(stdout + stderr).not.toContain('\x1b');
});

it.each([
  ['a host to explain', ['explain', '--connect', `a${ESCAPE}b:443`]],
  ['a host to allow', ['run', '--allow', `a${ESCAPE}b`, '--', 'true']],
  ['a working directory', ['run', '--workdir', `/x${ESCAPE}`, '--', 'true']],
  ['a policy file', ['run', '--policy', `/x${ESCAPE}`, '--', 'true']],
  ['an option', ['run', `--x${ESCAPE}`, '--', 'true']],
])('%s with control characters is printed without them', async (_what, args) => {
  const { stdout, stderr } = await openshell(args, here);
  expect(stdout + stderr).not.toContain('\x1b');
});
