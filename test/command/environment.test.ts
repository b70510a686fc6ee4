import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentOf, finished, OPENSHELL, openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

/** The variables that a program has, by name. */
async function variables(
  options: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const done = await openshell(['run', ...options, '--', 'env', '-0'], { ...here, env });
  expect(done.code, done.stderr).toBe(0);
  const entries = done.stdout.split('\0').filter((entry) => entry !== '');
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

describe('the environment inside', () => {
  it('holds a short list of the caller’s variables and nothing that may be a secret', async () => {
    const secrets = {
      AWS_SECRET_ACCESS_KEY: 'x',
      GITHUB_TOKEN: 'x',
      SSH_AUTH_SOCK: '/tmp/agent',
      DBUS_SESSION_BUS_ADDRESS: 'unix:path=/x',
      LD_PRELOAD: '/nowhere.so',
      LD_LIBRARY_PATH: '/nowhere',
      NODE_OPTIONS: '--no-warnings',
      BASH_ENV: '/nowhere',
      OPENSHELL_ALLOW_NETLINK_ENUMERATE: '1',
      XDG_RUNTIME_DIR: '/run/user/1',
      https_proxy: 'http://elsewhere:1',
      EDITOR: 'vi',
    };
    const { LD_PRELOAD: _preload, ...given } = secrets;
    expect(Object.keys(await variables([], given)).sort()).toEqual(
      ['EDITOR', 'HOME', 'LANG', 'LOGNAME', 'OPENSHELL_SANDBOX', 'PATH', 'SHELL', 'USER'].sort(),
    );
  });

  it('names the proxy in every spelling when there is one, and loopback as not for it', async () => {
    const found = await variables(['--network', 'proxy']);
    const names = [
      'ALL_PROXY',
      'all_proxy',
      'HTTP_PROXY',
      'http_proxy',
      'HTTPS_PROXY',
      'https_proxy',
      'grpc_proxy',
    ];
    for (const name of names) expect(found[name], name).toBe('http://127.0.0.1:3128');
    for (const name of ['NO_PROXY', 'no_proxy']) expect(found[name], name).toBe('127.0.0.1,localhost,::1');
  });

  it('has a usual PATH where the caller has none', async () => {
    const done = await openshell(['run', '--', '/usr/bin/env'], { ...here, env: { PATH: '' } });
    expect(done.stdout).toMatch(/^PATH=/m);
  });
});

describe('--env', () => {
  it('sets a value, which may hold anything, and passes on the caller’s without one', async () => {
    const value = 'a=b c\n"d" grüße';
    const found = await variables(['--env', `ONE=${value}`, '-e', 'TWO', '--env', 'THREE='], {
      TWO: 'from outside',
    });
    expect(found).toMatchObject({ ONE: value, TWO: 'from outside', THREE: '' });
  });

  it('sets nothing when the caller has no such variable, and later entries win', async () => {
    const found = await variables([
      '--env',
      'ABSENT',
      '--env',
      'X=1',
      '--env',
      'X=2',
      '--env',
      'HOME=/other',
    ]);
    expect(found).not.toHaveProperty('ABSENT');
    expect(found).toMatchObject({ X: '2', HOME: '/other' });
  });

  it('warns of a secret in an argument, but not of one that is passed on, and --quiet says nothing', async () => {
    const said = async (...options: string[]) =>
      (await openshell(['run', ...options, '--', 'true'], { ...here, env: { MY_TOKEN: 'x' } })).stderr;
    expect(await said('--env', 'MY_TOKEN=abc123')).toMatch(/^openshell: .*--env MY_TOKEN: .*--env-file\n$/);
    expect(await said('--env', 'MY_TOKEN=abc123')).not.toContain('abc123');
    expect(await said('--env', 'MY_TOKEN')).toBe('');
    expect(await said('--quiet', '--env', 'MY_TOKEN=abc123')).toBe('');
  });
});

describe('--env-file', () => {
  it('takes NAME=value lines as they stand', async () => {
    const file = scratch.write(
      'good.env',
      '# a comment\n\nPLAIN=value\nQUOTED="kept as it is"\nSPACES= both ends \nEQUALS=a=b\nPASSED\nEMPTY=\r\n',
    );
    const found = await variables(['--env-file', file], { PASSED: 'from outside' });
    expect(found).toMatchObject({
      PLAIN: 'value',
      QUOTED: '"kept as it is"',
      SPACES: ' both ends ',
      EQUALS: 'a=b',
      PASSED: 'from outside',
      EMPTY: '',
    });
  });

  it('comes before --env, whatever their order', async () => {
    const file = scratch.write('order.env', 'X=file\n');
    expect(await variables(['--env', 'X=option', '--env-file', file])).toMatchObject({ X: 'option' });
  });

  it.each([
    ['a line that is no variable', 'GOOD=1\n1BAD=2\n', ':2'],
    ['a name with a dash', 'A-B=1\n', ':1'],
    ['an `export`, which is not supported', 'export A=1\n', ':1'],
  ])('with %s is refused with its line', async (_what, text, line) => {
    const file = scratch.write('bad.env', text);
    const done = await openshell(['run', '--env-file', file, '--', 'true'], here);
    expect(done.code).toBe(125);
    expect(done.stderr).toContain(`--env-file ${file}${line}`);
    expect(done.stderr).not.toContain('=1');
  });

  it('that cannot be read is refused', async () => {
    const done = await openshell(['run', '--env-file', join(scratch.root, 'none.env'), '--', 'true'], here);
    expect(done).toMatchObject({ code: 125 });
    expect(done.stderr).toContain('none.env');
  });
});

describe('--env-file, which Node has as well', () => {
  it('is refused where Node would read it too', async () => {
    const file = scratch.write('home/project/.env', 'A=1\n');
    const child = spawn(process.execPath, [OPENSHELL, 'run', '--env-file', file, '--', 'true'], {
      cwd: here.cwd,
      env: environmentOf(here),
    });
    const done = await finished(child);
    expect(done.code).toBe(125);
    expect(done.stderr).toContain('Node takes `--env-file` for its own option');
  });
});

describe('options that Node has as well', () => {
  const installed = (args: readonly string[]) =>
    finished(spawn(OPENSHELL, args, { cwd: here.cwd, env: environmentOf(here) }));

  // A project's files would run code outside of the sandbox; those of configuration since Node 23.10, also behind `--`.
  it.each([
    ['run', '--env-file', '.env', '--', 'true'],
    ['run', '--env-file=.env', '--', 'true'],
    ['run', '--', 'echo', '--experimental-default-config-file'],
    ['run', '--', 'echo', '--experimental-config-file=node.config.json'],
    ['run', '--', 'echo', '--experimental-config-file', 'node.config.json'],
  ])('load nothing into openshell itself: %s %s %s %s', async (...args) => {
    const mark = join(scratch.root, 'outside');
    const code = scratch.write(
      'home/project/evil.cjs',
      `require('node:fs').writeFileSync('${mark}', 'x');\n`,
    );
    scratch.write('home/project/.env', `NODE_OPTIONS=--require=${code}\n`);
    scratch.write('home/project/node.config.json', JSON.stringify({ nodeOptions: { import: code } }));
    expect(await installed(args)).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(mark)).toBe(false);
  });

  it('are kept from every Node: none of them is an argument as it stands', async () => {
    // Whatever version of Node runs this: what it would see, from a `node` that only shows its arguments.
    const bin = scratch.directory('shown');
    scratch.write('shown/node', '#!/bin/sh\nprintf "%s\\n" "$@"\n', 0o755);
    const args = ['run', '--env-file', 'x', '--', 'node', '--experimental-config-file=y', ''];
    const env = { ...environmentOf(here), PATH: `${bin}:/usr/bin:/bin` };
    const { stdout } = await finished(spawn(OPENSHELL, args, { cwd: here.cwd, env }));
    const shown = stdout.split('\n');
    expect(shown.slice(shown.indexOf(OPENSHELL) + 1, -1)).toEqual(['+', ...args.map((arg) => `+${arg}`)]);
  });

  it('reach the program as they were given', async () => {
    const args = ['--env-file=.env', '', '+', 'a b', '--experimental-config-file', '-config-file\n', '$x'];
    const done = await installed(['run', '--', 'printf', '<%s>', ...args]);
    expect(done.stdout).toBe(args.map((arg) => `<${arg}>`).join(''));
  });
});

describe('home and working directory', () => {
  it('the working directory is the present one, and what is written there stays', async () => {
    const done = await openshell(['run', '--', 'sh', '-c', 'pwd; echo kept > made-inside'], here);
    expect(done).toMatchObject({ code: 0, stdout: `${scratch.project}\n` });
    expect(readFileSync(join(scratch.project, 'made-inside'), 'utf8')).toBe('kept\n');
  });

  it('home is empty but for the project in it, writable, and gone afterwards', async () => {
    scratch.write('home/.netrc', 'secret\n');
    scratch.write('home/.ssh/id_ed25519', 'secret\n');
    const script = 'ls -A ~; echo x > ~/left && cat ~/left';
    const done = await openshell(['run', '--', 'sh', '-c', script], here);
    expect(done).toMatchObject({ code: 0, stdout: 'project\nx\n' });
    expect(existsSync(join(scratch.home, 'left'))).toBe(false);
  });

  it('--home keeps a home in another directory, at the caller’s own path', async () => {
    const kept = scratch.directory('kept-home');
    const cwd = scratch.directory('beside-home');
    const run = (script: string) =>
      openshell(['run', '--home', kept, '--', 'sh', '-c', script], { ...here, cwd });
    expect(await run('echo $HOME; echo first > ~/.note')).toMatchObject({
      code: 0,
      stdout: `${scratch.home}\n`,
    });
    expect(await run('cat ~/.note')).toMatchObject({ code: 0, stdout: 'first\n' });
    expect(readFileSync(join(kept, '.note'), 'utf8')).toBe('first\n');
    expect(existsSync(join(scratch.home, '.note'))).toBe(false);
  });

  it('--home works in a project that lies in the caller’s home', async () => {
    const kept = scratch.directory('kept-home-of-project');
    const done = await openshell(['run', '--home', kept, '--', 'sh', '-c', 'pwd; echo x > made-here'], here);
    expect(done).toMatchObject({ code: 0, stdout: `${scratch.project}\n` });
    expect(existsSync(join(scratch.project, 'made-here'))).toBe(true);
  });

  it('--workdir chooses another directory, which is shown in place of the present one', async () => {
    const other = scratch.directory('elsewhere/deep');
    const done = await openshell(
      ['run', '--workdir', other, '--', 'sh', '-c', `pwd; echo x > here; ls ${scratch.project}`],
      here,
    );
    expect(done.stdout).toBe(`${other}\n`);
    expect(done.stderr).toContain('No such file');
    expect(existsSync(join(other, 'here'))).toBe(true);
  });

  it('--workdir may be relative and lead through a link; inside it has its canonical name', async () => {
    mkdirSync(join(scratch.project, 'real'), { recursive: true });
    const link = join(scratch.project, 'link');
    if (!existsSync(link)) await openshell(['run', '--', 'ln', '-s', 'real', 'link'], here);
    const done = await openshell(['run', '--workdir', 'link', '--', 'pwd', '-P'], here);
    expect(done.stdout).toBe(`${scratch.project}/real\n`);
  });

  it.each([
    ['--workdir', '/no/such/place'],
    ['--workdir', '/etc/hostname'],
    ['--home', '/no/such/place'],
    ['--home', '/etc/hostname'],
  ])('%s %s is refused: it is no directory', async (option, path) => {
    const done = await openshell(['run', option, path, '--', 'true'], here);
    expect(done).toMatchObject({ code: 125, stdout: '' });
    expect(done.stderr).toContain(`${option} ${path}: no such directory`);
  });

  it('a working directory that the policy does not show is refused, and the message says how to show it', async () => {
    const policy = scratch.policy(
      'version: 1\nfilesystem_policy:\n  include_workdir: false\n  read_only: [/usr, /etc]\n  read_write: [/data]\n',
    );
    const done = await openshell(['run', '--policy', policy, '--', 'true'], here);
    expect(done.code).toBe(125);
    expect(done.stderr).toContain(scratch.project);
    expect(done.stderr).toContain('include_workdir');
  });

  it('a present directory that has been removed is refused in one line', async () => {
    const gone = scratch.directory('gone');
    const script = `cd "$1"; rmdir "$1"; shift; exec "$@"`;
    const child = spawn(
      '/bin/sh',
      ['-c', script, 'sh', gone, process.execPath, OPENSHELL, 'run', '--', 'true'],
      {
        cwd: here.cwd,
        env: environmentOf(here),
      },
    );
    const done = await finished(child);
    expect(done.code).toBe(125);
    expect(done.stderr.trim().split('\n').length).toBeLessThan(4);
  });

  it.each([
    'with space',
    'new\nline',
    `quo"te's`,
    'grüße 🐚',
    'back\\slash',
    'a:b,c',
    '-dash',
    '$HOME',
    '..dots',
    'x'.repeat(250),
  ])('a working directory may be called %j', async (name) => {
    const cwd = scratch.directory(`home/${name}`);
    const done = await openshell(['run', '--', 'sh', '-c', 'pwd; echo x > made'], { ...here, cwd });
    expect(done).toMatchObject({ code: 0, stdout: `${cwd}\n`, stderr: '' });
    expect(existsSync(join(cwd, 'made'))).toBe(true);
  });

  // Another directory is made up in its place, private and gone afterwards, and nobody is told.
  it('a working directory whose name is no UTF-8 is refused, or is the one that is shown', async () => {
    const cwd = Buffer.concat([Buffer.from(`${scratch.home}/bytes-`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(cwd);
    const script = 'cd "$1"/bytes-*; shift; exec "$@"';
    const args = [scratch.home, process.execPath, OPENSHELL, 'run', '--', 'sh', '-c', 'echo x > made'];
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...args], {
      cwd: here.cwd,
      env: environmentOf(here),
    });
    const { code } = await finished(child);
    expect(code === 125 || existsSync(Buffer.concat([cwd, Buffer.from('/made')]))).toBe(true);
  });

  it('a home that cannot be read by anyone does not matter', async () => {
    const home = scratch.directory('closed-home');
    chmodSync(home, 0o000);
    const done = await openshell(['run', '--', 'sh', '-c', 'echo x > ~/y && cat ~/y'], { ...here, home });
    chmodSync(home, 0o755);
    expect(done).toMatchObject({ code: 0, stdout: 'x\n' });
  });
});
