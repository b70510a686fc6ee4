import { describe, expect, it } from 'vitest';
import { openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const policy = scratch.policy(
  [
    'version: 1', // 1
    'filesystem_policy:', // 2
    '  include_workdir: true', // 3
    '  read_only: [/usr, /etc]', // 4
    '  read_write: [/data]', // 5
    `  deny: [${scratch.project}/hidden]`, // 6
    'process:', // 7
    '  netlink: deny', // 8
    '  seccomp: {allow: [memfd_exec]}', // 9
    'network_policies:', // 10
    '  web:', // 11
    '    endpoints:', // 12
    '      - {host: api.example.com, port: 443}', // 13
    '      - {host: "*.example.org", ports: [80, 443]}', // 14
    '    binaries: [{path: /usr/bin/curl}]', // 15
    '',
  ].join('\n'),
);
scratch.write('home/project/hidden', 'x');
scratch.write('home/project/seen', 'x');
scratch.write('home/project/.git/hooks/pre-commit', 'x');

interface Answer {
  readonly question: string;
  readonly verdict: 'allow' | 'deny';
  readonly rule: string | null;
  readonly line: number | null;
  readonly why: string;
  readonly policy: string | null;
}

async function explain(
  args: readonly string[],
  file: string | null = policy,
): Promise<Answer & { code: number | null }> {
  const done = await openshell(
    ['explain', ...(file === null ? [] : [file]), ...args, '--output', 'json'],
    here,
  );
  expect(done.stderr).toBe('');
  return { ...(JSON.parse(done.stdout) as Answer), code: done.code };
}

describe('explain --connect', () => {
  it.each([
    [['api.example.com:443'], 'allow', 13],
    [['API.Example.COM:443'], 'allow', 13],
    [['api.example.com:443', '--binary', '/usr/bin/curl'], 'allow', 13],
    [['api.example.com:443', '--binary', '/usr/bin/git'], 'deny', 13],
    [['api.example.com:80'], 'deny', null],
    [['sub.example.org:80'], 'allow', 14],
    [['a.b.example.org:80'], 'deny', null],
    [['example.org:80'], 'deny', null],
    [['example.net:443'], 'deny', null],
    [['127.0.0.1:443'], 'deny', null],
    [['[::1]:443'], 'deny', null],
    [['169.254.169.254:80'], 'deny', null],
  ])('%j: %s', async (args, verdict, line) => {
    const answer = await explain(['--connect', ...args]);
    expect(answer).toMatchObject({ verdict, code: verdict === 'allow' ? 0 : 1 });
    if (line !== null) expect(answer).toMatchObject({ rule: 'web', line, policy });
  });

  it('knows that without a policy there is no network, and what --allow and --network change', async () => {
    expect(await explain(['--connect', 'example.com:443'], null)).toMatchObject({ verdict: 'deny' });
    expect(await explain(['--connect', 'example.com:443', '--allow', 'example.com'], null)).toMatchObject({
      verdict: 'allow',
      rule: '--allow',
    });
    expect(await explain(['--connect', 'example.com:443', '--network', 'allow'], null)).toMatchObject({
      verdict: 'allow',
    });
  });
});

describe('explain --read and --write', () => {
  it.each([
    ['--read', '/usr/bin/env', 'allow', 4],
    ['--write', '/usr/bin/env', 'deny', 4],
    ['--write', '/data/x', 'allow', 5],
    ['--read', '/data', 'allow', 5],
    ['--read', '/root/.ssh', 'deny', null],
    ['--read', '/var/lib', 'deny', null],
    ['--read', 'hidden', 'deny', 6],
    ['--write', 'hidden', 'deny', 6],
    ['--write', './seen', 'allow', null],
    ['--write', 'new/file', 'allow', null],
    ['--write', '../outside', 'allow', null], // the private home around the project
    ['--write', '.git/hooks/pre-commit', 'deny', null],
    ['--read', '.git/hooks/pre-commit', 'allow', null],
    ['--write', '/etc/passwd', 'deny', null],
    ['--write', '/proc/self/mem', 'deny', null],
    ['--read', '/', 'allow', null],
    ['--write', '/', 'deny', null],
    ['--write', '/etc/../data/x', 'allow', 5],
    ['--read', '/proc/self/root/root/.ssh', 'deny', null],
  ])('%s %s: %s', async (option, path, verdict, line) => {
    const answer = await explain([option, path]);
    expect(answer).toMatchObject({ verdict, code: verdict === 'allow' ? 0 : 1 });
    if (line !== null) expect(answer.line).toBe(line);
    expect(answer.why.length).toBeGreaterThan(10);
  });

  it('follows the links of this host and says where they lead', async () => {
    const answer = await explain(['--read', '/bin/sh']);
    expect(answer.verdict).toBe('allow');
    expect(answer.why).toContain('/usr/bin/');
  });

  it('agrees with what a run shows', async () => {
    for (const [option, path, test] of [
      ['--read', '/etc/hosts', 'cat /etc/hosts'],
      ['--write', '/etc/hosts', 'echo x >> /etc/hosts'],
      ['--write', '/data/x', 'echo x > /data/x'],
      ['--read', 'hidden', 'cat hidden'],
      ['--write', 'seen', 'echo y > seen'],
      ['--write', '.git/hooks/pre-commit', 'echo y > .git/hooks/pre-commit'],
      ['--write', '/proc/self/comm', 'echo y > /proc/self/comm'],
      ['--read', '/var/lib', 'ls /var/lib'],
    ] as const) {
      const answer = await explain([option, path]);
      const run = await openshell(['run', '--policy', policy, '--', 'sh', '-c', test], here);
      expect(run.code === 0, `${option} ${path}`).toBe(answer.verdict === 'allow');
    }
  });
});

describe('explain --syscall', () => {
  it.each([
    ['ptrace', 'deny', 'ptrace', null],
    ['ptrace()', 'deny', 'ptrace', null],
    ['read', 'allow', null, null],
    ['openat(AT_FDCWD, 0, O_RDONLY)', 'allow', null, null],
    ['socket(AF_INET, SOCK_STREAM, 0)', 'allow', null, null],
    ['socket(AF_PACKET, SOCK_RAW, 0)', 'deny', 'socket_family', null],
    ['socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)', 'deny', 'netlink', 8],
    ['socket(AF_INET, SOCK_RAW, 0)', 'deny', 'raw_socket', null],
    ['unshare(CLONE_NEWUSER)', 'deny', 'namespaces', null],
    ['clone3', 'deny', null, null],
    ['mount', 'deny', 'mount', null],
    ['io_uring_setup', 'deny', 'io_uring', null],
    ['memfd_create(0, 0)', 'allow', null, null],
    ['ioctl(0, TIOCSTI)', 'deny', 'tty_input', null],
  ])('%s: %s', async (call, verdict, rule, line) => {
    const answer = await explain(['--syscall', call]);
    expect(answer).toMatchObject({ verdict, code: verdict === 'allow' ? 0 : 1, line });
    if (rule !== null) expect(answer.rule).toBe(rule);
  });

  it('names the errno that the program gets', async () => {
    expect((await explain(['--syscall', 'ptrace'])).why).toContain('EPERM');
    expect((await explain(['--syscall', 'clone3'])).why).toContain('ENOSYS');
  });

  it('follows OPENSHELL_ALLOW_NETLINK_ENUMERATE of the caller, as a run does', async () => {
    const ask = (value: string) =>
      openshell(['explain', policy, '--syscall', 'socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)'], {
        ...here,
        env: { OPENSHELL_ALLOW_NETLINK_ENUMERATE: value },
      });
    for (const value of ['1', 'true', 'yes', 'YES', 'True']) expect((await ask(value)).code, value).toBe(0);
    for (const value of ['', '0', 'no', 'false', 'on', '2', ' 1'])
      expect((await ask(value)).code, value).toBe(1);
  });
});

it('explain says it in text with the question, the reason and the place of the rule', async () => {
  const { stdout, code } = await openshell(['explain', policy, '--connect', 'api.example.com:443'], here);
  expect(code).toBe(0);
  expect(stdout).toBe(
    `allowed: connect api.example.com:443\n  why: network policy \`web\` lists it\n  rule: web (${policy}:13)\n`,
  );
});

it('explain of a broken policy prints its complaints, with code 1', async () => {
  const broken = scratch.policy('version: 1\nnope: 1\n', 'broken.yaml');
  const done = await openshell(['explain', broken, '--read', '/'], here);
  expect(done).toMatchObject({ code: 1, stdout: '' });
  expect(done.stderr).toContain('broken.yaml:2:1: error:');
});
