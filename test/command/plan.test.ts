import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

const web = (host: string, more = ''): string =>
  `version: 1\nnetwork_policies:\n  web:\n    endpoints: [{host: ${host}, port: 443}]\n    binaries: [{path: /usr/bin/curl}]\n${more}`;
const one = scratch.policy(web('one.test'), 'one.yaml');

async function plan(...args: string[]): Promise<Plan> {
  const done = await openshell(['plan', '--output', 'json', ...args], here);
  expect(done.code, done.stderr).toBe(0);
  return JSON.parse(done.stdout) as Plan;
}

describe('plan', () => {
  it('prints the default policy as sections, each row with its origin', async () => {
    const { code, stdout, stderr } = await openshell(['plan'], here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const titles = stdout.split('\n').filter((line) => /^\S/.test(line));
    expect(titles).toEqual(
      expect.arrayContaining(['layers', 'identity', 'files', 'landlock', 'network', 'limits', 'environment']),
    );
    expect(stdout).toMatch(new RegExp(`rw +${scratch.project} +host +default`));
    expect(stdout).toMatch(/ro +\/usr +host +default/);
    expect(stdout).toMatch(/rw +\/tmp +private +builtin/);
    expect(stdout).toContain('mode block');
  });

  it('names the line of the policy for what comes from it', async () => {
    const { stdout } = await openshell(['plan', one], here);
    expect(stdout).toMatch(/web: one\.test:443 for \/usr\/bin\/curl +line 4/);
    expect(stdout).toContain('mode proxy, proxy at 127.0.0.1:3128');
  });

  it('takes the policy from --policy and from standard input too', async () => {
    const direct = await plan(one);
    expect(await plan('--policy', one)).toEqual(direct);
    const done = await openshell(['plan', '-', '--output', 'json'], { ...here, input: web('one.test') });
    expect((JSON.parse(done.stdout) as Plan).egress).toEqual(direct.egress);
  });

  it('is the same for equal inputs, byte for byte', async () => {
    const print = async () => (await openshell(['plan', one, '--output', 'json'], here)).stdout;
    expect(await print()).toBe(await print());
  });

  it('--listing adds the filter as readable instructions', async () => {
    const short = (await openshell(['plan'], here)).stdout;
    const long = (await openshell(['plan', '--listing'], here)).stdout;
    expect(long.startsWith(short.trimEnd())).toBe(true);
    expect(long).toMatch(/ptrace/);
    expect(long.split('\n').length).toBeGreaterThan(short.split('\n').length + 100);
  });

  it('shows what --read, --allow and --env add', async () => {
    const made = await plan('--read', '/var/lib', '--allow', 'two.test:8443', '--env', 'A=b');
    expect(made.mounts.find(({ target }) => target === '/var/lib')).toMatchObject({
      kind: 'bind',
      writable: false,
      origin: { kind: 'flag' },
    });
    expect(made.egress).toMatchObject({
      mode: 'proxy',
      policies: [{ key: '--allow', endpoints: [{ host: 'two.test', ports: [8443] }] }],
    });
    // Values may be secrets: a plan has only the names.
    expect(made.environment).toContainEqual({ name: 'A', value: null });
  });

  it('shows that --network allow leaves the network layer off', async () => {
    const made = await plan('--network', 'allow');
    expect(made.report.find(({ layer }) => layer === 'network')).toMatchObject({ state: 'off' });
    expect(made.namespaces.network).toBe(false);
  });

  it('does not hold secret values of an env file in what it prints for people', async () => {
    const file = scratch.write('x.env', 'MY_TOKEN=hunter2\n');
    const { stdout } = await openshell(['plan', '--env-file', file, '--output', 'json'], here);
    expect(stdout).not.toContain('hunter2');
  });

  it('prints the complaints about a broken policy, with code 1', async () => {
    const broken = scratch.policy('version: 1\nfilesystem_policy:\n  read_onyl: [/usr]\n', 'broken.yaml');
    const done = await openshell(['plan', broken], here);
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toContain(`${broken}:3:3: error:`);
    expect(done.stderr).toContain('^^^^');
  });

  it('says that a policy file does not exist, with code 1', async () => {
    const done = await openshell(['plan', '/no/such/policy'], here);
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toContain('cannot read the policy /no/such/policy: no such file');
  });
});

describe('plan --diff', () => {
  it('says nothing differs, with code 0, for two policies that enforce the same', async () => {
    const same = scratch.policy(`# other words\n\n${web('one.test')}`, 'same.yaml');
    const done = await openshell(['plan', one, '--diff', same], here);
    expect(done).toMatchObject({ code: 0, stdout: 'the two plans enforce the same\n', stderr: '' });
  });

  it('says nothing differs when the same is only written elsewhere or is the default', async () => {
    const long = scratch.directory('a-directory-with-a-rather-long-name');
    const rows = (first: string, second: string): string =>
      `version: 1\nfilesystem_policy:\n  include_workdir: true\n  read_only: [/usr, /etc]\n  read_write:\n    - ${first}\n    - ${second}\n`;
    const other = scratch.directory('b');
    const forth = scratch.policy(rows(long, other), 'forth.yaml');
    const back = scratch.policy(`\n\n${rows(other, long)}`, 'back.yaml');
    const done = await openshell(['plan', forth, '--diff', back], here);
    expect(done).toMatchObject({ code: 0, stdout: 'the two plans enforce the same\n' });
  });

  it('prints what goes and what comes, with code 1', async () => {
    const two = scratch.policy(web('two.test', 'limits: {memory: 1GiB}\n'), 'two.yaml');
    const done = await openshell(['plan', one, '--diff', two], here);
    expect(done.code).toBe(1);
    expect(done.stdout).toMatch(/^- web: one\.test:443 .*$/m);
    expect(done.stdout).toMatch(/^\+ web: two\.test:443 .*$/m);
    expect(done.stdout).toMatch(/^\+ memory +1GiB$|^\+ memory 1GiB$|^\+ memory 1 GiB$/m);
    expect(done.stdout).not.toMatch(/^[-+] ro +\/usr/m);
  });

  it('gives the same as JSON', async () => {
    const two = scratch.policy(web('two.test'), 'two-json.yaml');
    const done = await openshell(['plan', one, '--diff', two, '--output', 'json'], here);
    expect(done.code).toBe(1);
    expect(JSON.parse(done.stdout)).toMatchObject({
      equal: false,
      differences: [
        {
          section: 'network',
          removed: [expect.stringContaining('one.test')],
          added: [expect.stringContaining('two.test')],
        },
      ],
    });
  });

  it('is refused with code 1 when the second policy is broken', async () => {
    const broken = scratch.policy('version: 2\n', 'second.yaml');
    const done = await openshell(['plan', one, '--diff', broken], here);
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toContain('second.yaml:1:');
  });
});
