/** openshell's own files where a workload can write: before they exist, by links, and while the host changes them. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ended, runCommand } from '../support/command.ts';
import { eventually } from '../support/processes.ts';
import { cleanEnvironment, openshell } from '../support/product.ts';
import { eventsIn, unavailable, Workplace } from './workplace.ts';

let place: Workplace;
beforeAll(() => {
  if (unavailable === null) place = new Workplace('own-files');
});
afterAll(() => place?.remove());
beforeEach(() => {
  if (unavailable !== null) return;
  rmSync(place.project, { recursive: true, force: true });
  mkdirSync(place.project);
});

const POLICY =
  'version: 1\nfilesystem_policy:\n  include_workdir: true\n  read_only: [/usr, /bin, /lib, /lib64, /etc]\n';

describe.skipIf(unavailable !== null)('the file of events', () => {
  it('cannot be replaced in the run that makes it', async () => {
    const file = join(place.project, 'events.jsonl');
    const child = place.start(
      ['--quiet', '--events', file],
      ['/bin/sh', '-c', '"$0" userfaultfd; rm -f events.jsonl; echo forged > events.jsonl; :', place.probe],
    );
    await ended(child);
    expect(readFileSync(file, 'utf8')).not.toMatch(/^forged/m);
    expect(eventsIn(file).map(({ type }) => type)).toEqual(['start', 'denial', 'exit']);
  });

  it('cannot be replaced in a later run', async () => {
    const file = place.write('events.jsonl', '');
    const child = place.start(
      ['--quiet', '--events', file],
      ['/bin/sh', '-c', '"$0" userfaultfd; rm -f events.jsonl; echo forged > events.jsonl; :', place.probe],
    );
    await ended(child);
    expect(eventsIn(file).map(({ type }) => type)).toEqual(['start', 'denial', 'exit']);
  });
});

describe.skipIf(unavailable !== null)('the cache', () => {
  /** As when the working directory is the caller's home. */
  const inProject = async (script: string): Promise<void> => {
    const env = cleanEnvironment(place.home, join(place.project, '.cache'));
    await runCommand([...openshell(), 'run', '--quiet', '--', '/bin/sh', '-c', script], {
      cwd: place.project,
      env,
    });
  };
  const PLANT = 'mkdir -p .cache/openshell/plans && echo forged > .cache/openshell/plans/0000000000000000';
  const planted = (): boolean => existsSync(join(place.project, '.cache/openshell/plans/0000000000000000'));

  it('cannot be written to in the first run, which makes it', async () => {
    await inProject(PLANT);
    expect(planted()).toBe(false);
  });

  it('cannot be written to in a later run', async () => {
    await inProject('true');
    await inProject(PLANT);
    expect(planted()).toBe(false);
  });
});

describe.skipIf(unavailable !== null)('the policy file', () => {
  const attack = 'rm -f policy.yaml; printf "version: 1\\n# forged\\n" > policy.yaml; mv rules gone; :';

  it('cannot be replaced', async () => {
    const policy = place.write('policy.yaml', POLICY);
    await place.run(['--quiet', '-p', policy], ['/bin/sh', '-c', attack]);
    expect(readFileSync(policy, 'utf8')).toBe(POLICY);
  });

  it.each([
    ['it is reached by a link', 'policy.yaml', 'rules/policy.yaml', 'policy.yaml'],
    ['a directory on the way to it is a link', 'current', 'rules', 'current/policy.yaml'],
  ])('is refused when %s, which could be replaced', async (_how, link, leadsTo, name) => {
    place.write('rules/policy.yaml', POLICY);
    symlinkSync(leadsTo, join(place.project, link));
    const done = await place.run(['-p', join(place.project, name)], ['/bin/sh', '-c', 'echo ran']);
    expect(done).toMatchObject({ code: 125, stdout: '' });
    expect(done.stderr).toContain(`is reached by the symbolic link ${join(place.project, link)}`);
    expect(done.stderr).toContain(join(place.project, 'rules/policy.yaml'));
  });
});

describe.skipIf(unavailable !== null)('a link that leads to a protected file', () => {
  it('can be replaced, and a warning says so', async () => {
    place.write('real/tasks.json', '{}\n');
    symlinkSync('real', join(place.project, '.vscode'));
    const { stderr } = await place.run([], ['/bin/sh', '-c', 'echo x >> real/tasks.json; :']);
    expect(stderr).toMatch(/\.vscode is a symbolic link .* the link itself is not/);
    expect(readFileSync(join(place.project, 'real/tasks.json'), 'utf8')).toBe('{}\n');
  });
});

/** What SECURITY.md calls "protection by name": the kernel takes a mount away when the host replaces what it lies on. */
describe.skipIf(unavailable !== null)(
  'a file that the host replaces by renaming while the sandbox runs',
  () => {
    /** Runs a script that waits for the replacement. @returns what it printed */
    async function replaced(
      name: string,
      text: string,
      options: readonly string[],
      script: string,
    ): Promise<string> {
      const child = place.start(
        ['--quiet', ...options],
        ['/bin/sh', '-c', `echo x > ready; read go; ${script}`],
        { withInput: true },
      );
      const finished = ended(child);
      await eventually(() => existsSync(join(place.project, 'ready')));
      writeFileSync(join(place.scratch.path, 'new'), text);
      renameSync(join(place.scratch.path, 'new'), join(place.project, name));
      child.stdin!.end('go\n');
      return (await finished).stdout;
    }

    it.fails('stays denied', async () => {
      place.write('.env', 'OLD\n');
      const policy = place.write('policy.yaml', `${POLICY}  deny: ["\${WORKDIR}/.env"]\n`);
      expect(await replaced('.env', 'NEW-SECRET\n', ['-p', policy], 'cat .env')).not.toContain('NEW-SECRET');
    });

    it.fails('stays protected', async () => {
      place.write('.envrc', 'old\n');
      await replaced('.envrc', 'new\n', [], 'echo forged >> .envrc');
      expect(readFileSync(join(place.project, '.envrc'), 'utf8')).toBe('new\n');
    });

    it.fails('stays protected when it is the policy', async () => {
      const policy = place.write('policy.yaml', POLICY);
      await replaced('policy.yaml', POLICY, ['-p', policy], 'echo "# forged" >> policy.yaml');
      expect(readFileSync(policy, 'utf8')).toBe(POLICY);
    });
  },
);

describe.skipIf(unavailable !== null)('a directory that is shown in two places', () => {
  it('hides what the policy denies in both', async () => {
    place.write('agent/token', 'SECRET\n');
    const policy = place.write('policy.yaml', `${POLICY}  deny: ["\${WORKDIR}/agent/token"]\n`);
    const { stdout } = await place.run(
      ['--quiet', '-p', policy, '--home', join(place.project, 'agent')],
      ['/bin/sh', '-c', 'cat ~/token agent/token 2>/dev/null; :'],
    );
    expect(stdout).not.toContain('SECRET');
  });

  it('protects what is protected in both', async () => {
    const file = place.write('agent/.bashrc', 'old\n');
    await place.run(
      ['--quiet', '--home', join(place.project, 'agent')],
      ['/bin/sh', '-c', 'echo x >> ~/.bashrc; echo x >> agent/.bashrc; :'],
    );
    expect(readFileSync(file, 'utf8')).toBe('old\n');
  });
});
