import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { gitBackend } from './support/git-server.ts';
import { because, find, missing, SEARCH_PATH } from './support/host.ts';
import { eventsOf, type Finished, inNamespaces, openshell } from './support/openshell.ts';
import { useScratch } from './support/scratch.ts';
import { serve, type WebServer } from './support/server.ts';

const lacking = missing('git', 'openssl');
const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const repositories = scratch.directory('repositories');
const upstream = join(repositories, 'project.git');
let server: WebServer;
let options: string[] = [];

const gitEnvironment = {
  PATH: SEARCH_PATH,
  HOME: scratch.directory('git-home'),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
};

/** Git on the host. */
const git = (cwd: string, ...args: string[]): string =>
  execFileSync(find('git')!, ['-c', 'safe.directory=*', '-c', 'init.defaultBranch=main', ...args], {
    cwd,
    env: gitEnvironment,
    encoding: 'utf8',
  });

beforeAll(async () => {
  if (lacking.length > 0) return;
  const source = scratch.directory('source');
  git(source, 'init', '--quiet');
  for (const name of ['first', 'second']) {
    scratch.write(`source/${name}`, `${name}\n`.repeat(1000));
    git(source, 'add', '.');
    git(source, 'commit', '--quiet', '-m', name);
  }
  git(repositories, 'clone', '--quiet', '--bare', source, upstream);
  git(upstream, 'config', 'http.receivepack', 'true');
  const certificate = makeCertificate(scratch, ['git.test', 'other.test']);
  server = await serve(gitBackend(repositories), certificate);
  const policy = scratch.policy(
    [
      'version: 1',
      'network_policies:',
      '  code:',
      '    name: source code',
      '    endpoints: [{host: git.test, port: 443}]',
      '    binaries: [{path: /usr/bin/git}]',
      '',
    ].join('\n'),
  );
  options = [
    ...[
      '--policy',
      policy,
      '--read',
      certificate.authority,
      '--env',
      `GIT_SSL_CAINFO=${certificate.authority}`,
    ],
    ...['git.test', 'other.test'].flatMap((name) => ['--connect-to', `${name}:443:127.0.0.1:${server.port}`]),
    ...Object.entries(gitEnvironment)
      .filter(([name]) => name.startsWith('GIT_'))
      .flatMap(([name, value]) => ['--env', `${name}=${value}`]),
  ];
});
afterAll(() => server?.close());

const inside = (script: string, ...more: string[]): Promise<Finished> =>
  openshell(['run', ...options, ...more, '--', 'sh', '-ec', script], here);

describe.skipIf(lacking.length > 0)(`git over HTTPS${because(lacking)}`, () => {
  it('clones from the host that the policy lists, through the proxy', async () => {
    const done = await inside(
      'git clone --quiet https://git.test/project.git clone; git -C clone log --format=%s; wc -l < clone/second',
    );
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toBe('second\nfirst\n1000\n');
    expect(server.asked.some((line) => line.startsWith('GET git.test /project.git/info/refs'))).toBe(true);
  });

  it('commits and pushes', async () => {
    const done = await inside(
      `rm -rf work; git clone --quiet https://git.test/project.git work; cd work
       echo third > third; git add third; git commit --quiet -m third; git push --quiet origin HEAD:refs/heads/main
       git fetch --quiet; git status -sb | head -n 1`,
    );
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toBe('## main...origin/main\n');
    expect(git(upstream, 'log', '-1', '--format=%s', 'main')).toBe('third\n');
  });

  it('cannot reach a second host, and the refusal says why', async () => {
    const before = server.asked.length;
    const events = join(scratch.root, 'events');
    const done = await inside('git clone --quiet https://other.test/project.git refused', '--events', events);
    expect(done.code).toBe(128);
    expect(done.stderr).toContain('CONNECT tunnel failed, response 403');
    expect(done.stderr).toMatch(
      /openshell: refused: \S+ may not connect to other\.test:443: no network policy lists it/,
    );
    expect(server.asked.length).toBe(before);
    expect(existsSync(join(scratch.project, 'refused'))).toBe(false);
    expect(eventsOf(events).filter(({ type }) => type === 'denial')).toMatchObject([
      {
        layer: 'egress',
        reason: 'endpoint_not_listed',
        subject: { host: 'other.test', port: 443, via: 'connect' },
        process: { ancestors: expect.arrayContaining(['/usr/bin/git']) },
      },
    ]);
  });

  it('is reached for git alone: another program is refused by name', async () => {
    const curl = `curl -sS -o /dev/null https://git.test/project.git/info/refs`;
    const done = await inside(`${curl} || echo "code $?"`);
    expect(done.stdout).toBe('code 56\n');
    expect(done.stderr).toMatch(
      /may not connect to git\.test:443: the network policy does not list this program \(\S+:5\)/,
    );
  });

  it('does not clone what it cannot verify', async () => {
    const done = await inside(
      'GIT_SSL_CAINFO=/etc/hostname git clone --quiet https://git.test/project.git unverified',
    );
    expect(done.code).toBe(128);
  });

  it.runIf(inNamespaces)(
    'cannot write the hooks and the configuration of the repository that it works in',
    async () => {
      const done = await openshell(
        [
          'run',
          ...options,
          '--workdir',
          scratch.directory('source'),
          '--',
          'sh',
          '-c',
          'git config core.hooksPath /tmp; echo evil > .git/hooks/pre-commit; git log --format=%s -1; git status -s',
        ],
        here,
      );
      expect(done.stdout).toBe('second\n');
      expect(readFileSync(join(scratch.root, 'source', '.git', 'config'), 'utf8')).not.toContain('hooksPath');
      expect(existsSync(join(scratch.root, 'source', '.git', 'hooks', 'pre-commit'))).toBe(false);
    },
  );
});
