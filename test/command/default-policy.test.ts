import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { find } from '../programs/support/host.ts';
import { openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const inside = async (script: string, ...options: string[]) =>
  openshell(['run', ...options, '--', 'sh', '-c', script], here);

describe('without a policy', () => {
  it.each([
    [
      'the system can be read and executed',
      'ls /usr /etc >/dev/null && /usr/bin/env true && cat /etc/os-release >/dev/null',
    ],
    [
      '/tmp is empty and writable',
      '[ -z "$(ls -A /tmp | grep -v openshell-programs)" ] && echo x > /tmp/x && cat /tmp/x',
    ],
    ['the project can be written', 'echo x > written && cat written && rm written'],
    [
      '/dev has the harmless devices',
      'echo x > /dev/null; head -c 8 /dev/urandom >/dev/null; head -c 8 /dev/zero >/dev/null',
    ],
    ['/dev/shm can be written', 'echo x > /dev/shm/x'],
    [
      '/proc shows the sandbox’s own processes, init first',
      '[ "$(cat /proc/1/comm)" != systemd ] && ls -d /proc/[0-9]* | wc -l | grep -qE "^[0-9]$"',
    ],
    ['localhost has its usual name', 'grep -q "127.0.0.1.*localhost" /etc/hosts'],
  ])('%s', async (_what, script) => {
    const done = await inside(script);
    expect(done.code, done.stderr).toBe(0);
  });

  it.each([
    ['the system cannot be written', 'echo x > /usr/x'],
    ['/etc cannot be written', 'echo x >> /etc/hosts'],
    ['/ cannot be written', 'mkdir /new'],
    ['/root is not there', 'ls /root'],
    ['/home shows nobody else', 'ls /home/* | grep -v "^$" | grep -qv project'],
    ['/run is not there', 'ls /run/systemd'],
    ['/var is not there but for what is listed', 'ls /var/lib'],
    ['/sys is not there', 'ls /sys/kernel'],
    ['disks are not there', 'ls /dev/sda /dev/vda'],
    ['the memory of the machine is not there', 'cat /dev/mem'],
    ['kernel settings cannot be written', 'echo 1 > /proc/sys/kernel/core_uses_pid'],
    ['the host’s processes cannot be seen', `ls /proc/${process.pid}`],
  ])('%s', async (_what, script) => {
    expect((await inside(script)).code).not.toBe(0);
  });

  it('programs that were copied into the project or /tmp run', async () => {
    expect((await inside('cp /usr/bin/true ./copied && ./copied && rm copied')).code).toBe(0);
    expect((await inside('cp /usr/bin/true /tmp/copied && /tmp/copied')).code).toBe(0);
  });
});

describe('the network without a policy', () => {
  const server = createServer((socket) => socket.end('reached\n'));
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => void server.close());

  const connect = (where: string): string => `exec 3<>/dev/tcp/${where} && cat <&3`;

  it.each(['127.0.0.1', '192.0.2.1'])('is off: %s', async (address) => {
    const done = await openshell(['run', '--', 'bash', '-c', connect(`${address}/${port}`)], here);
    expect(done.code).not.toBe(0);
    expect(done.stdout).toBe('');
  });

  it('says in one line how to open a host', async () => {
    const done = await openshell(['run', '--', 'bash', '-c', connect('192.0.2.1/80')], here);
    expect(done.stderr).toContain(
      'may not connect to 192.0.2.1:80: the network is off; `--allow HOST` opens one host',
    );
  });

  it('--network allow is the host’s own, and openshell says that this is degraded', async () => {
    const done = await openshell(
      ['run', '--network', 'allow', '--', 'bash', '-c', connect(`127.0.0.1/${port}`)],
      here,
    );
    expect(done).toMatchObject({ code: 0, stdout: 'reached\n' });
  });

  it('--network allow beside network_policies is refused without --accept-degraded', async () => {
    const policy = scratch.policy(
      'version: 1\nnetwork_policies:\n  web:\n    endpoints: [{host: a.test, port: 443}]\n    binaries: [{path: /usr/bin/env}]\n',
    );
    const args = ['run', '--policy', policy, '--network', 'allow'];
    const refused = await openshell([...args, '--', 'true'], here);
    expect(refused.code).toBe(125);
    expect(refused.stderr).toContain('--accept-degraded');
    const degraded = await openshell([...args, '--accept-degraded', '--events', '-', '--', 'true'], here);
    expect(degraded.code).toBe(0);
    expect(degraded.stderr).toContain('"type":"degraded"');
    const said = await openshell([...args, '--accept-degraded', '--', 'true'], here);
    expect(said.stderr).toMatch(/openshell: degraded: network is off/);
  });

  it('--network block wins over the policy', async () => {
    const policy = scratch.policy(
      'version: 1\nnetwork_policies:\n  web:\n    endpoints: [{host: a.test, port: 80}]\n    binaries: [{path: "/**"}]\n',
    );
    const done = await openshell(
      ['run', '--policy', policy, '--network', 'block', '--', 'sh', '-c', 'echo "$http_proxy"'],
      here,
    );
    expect(done).toMatchObject({ code: 0, stdout: '\n' });
  });

  it('--network block and --allow contradict each other', async () => {
    const done = await openshell(['run', '--network', 'block', '--allow', 'a.test', '--', 'true'], here);
    expect(done.code).toBe(125);
    expect(done.stderr).toContain('contradict');
  });
});

describe('--read and --write', () => {
  it('show more paths, relative ones and home ones included', async () => {
    scratch.write('home/notes/list', 'from home\n');
    scratch.write('elsewhere/data', 'from elsewhere\n');
    const done = await inside(
      'cat ~/notes/list ../../elsewhere/data; echo x > ../../elsewhere/out && cat ../../elsewhere/out; echo x > ~/notes/no || echo kept',
      '--read',
      '~/notes',
      '--write',
      '../../elsewhere',
    );
    expect(done.stdout).toBe('from home\nfrom elsewhere\nx\nkept\n');
  });

  it('do not lose to each other: what is writable stays so', async () => {
    const place = scratch.directory('both');
    const done = await inside(`echo x > ${place}/f && cat ${place}/f`, '--read', place, '--write', place);
    expect(done).toMatchObject({ code: 0, stdout: 'x\n' });
  });

  it('take a single file', async () => {
    const file = scratch.write('single/file', 'one\n');
    scratch.write('single/other', 'two\n');
    const done = await inside(
      `cat ${file}; echo more >> ${file}; ls ${scratch.root}/single`,
      '--write',
      file,
    );
    expect(done).toMatchObject({ code: 0, stdout: 'one\nfile\n' });
  });

  it('a path that does not exist is no error for --read, and private for --write', async () => {
    const done = await inside(
      'ls /made/by/write && echo x > /made/by/write/f && echo fine',
      '--read',
      '/no/such/path',
      '--write',
      '/made/by/write',
    );
    expect(done).toMatchObject({ code: 0, stdout: 'fine\n' });
  });
});

describe('--allow', () => {
  it.skipIf(find('curl') === null)('opens one host for every program, and only that port', async () => {
    const hit = (url: string) => `curl -s -o /dev/null -w '%{http_code}\\n' ${url};`;
    const done = await inside(
      hit('http://a.test:8080/') + hit('http://a.test/') + hit('http://b.test:8080/'),
      '--allow',
      'a.test:8080',
      '--connect-to',
      'a.test:8080:127.0.0.1:9',
    );
    expect(done.stdout).toBe('502\n403\n403\n');
    expect(done.stderr).toContain('may not connect to b.test:8080: no network policy lists it');
  });
});
