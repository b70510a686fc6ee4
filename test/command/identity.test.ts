import { chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRoot } from '../programs/support/host.ts';
import { openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const uid = process.getuid!();
const gid = process.getgid!();

async function identity(policyText: string | null, ...options: string[]): Promise<string> {
  const file = policyText === null ? [] : ['--policy', scratch.policy(`version: 1\n${policyText}`)];
  const done = await openshell(
    [
      'run',
      ...file,
      ...options,
      '--',
      'sh',
      '-c',
      'echo "$(id -u):$(id -g) $(id -un):$(id -gn) $(id -G) $HOME $USER"',
    ],
    here,
  );
  expect(done.code, done.stderr).toBe(0);
  return done.stdout.trim();
}

describe('who the program is', () => {
  it.skipIf(isRoot)('is the caller, by id and name, without further groups that count', async () => {
    const seen = await identity(null);
    expect(seen).toMatch(new RegExp(`^${uid}:${gid} \\S+:\\S+ `));
    expect(seen).toContain(scratch.home);
    expect(seen).not.toContain('root');
  });

  it.runIf(isRoot)('is never root when root is the caller', async () => {
    expect(await identity(null)).toMatch(/^1000:1000 sandbox:sandbox /);
    const done = await openshell(['run', '--', 'cat', '/proc/self/uid_map'], here);
    const [inside, outside] = done.stdout.trim().split(/\s+/).map(Number);
    expect(inside).toBe(1000);
    expect(outside).toBeGreaterThan(1_000_000);
  });

  it.each([
    ['run_as_user: sandbox, run_as_group: sandbox', /^1000:1000 sandbox:sandbox /],
    ['run_as_user: "4242"', /^4242:\d+ sandbox:/],
    ['run_as_user: "4242", run_as_group: "4343"', /^4242:4343 sandbox:sandbox /],
    ['run_as_user: "4294967294"', /^4294967294:/],
  ])('is what the policy says: %s', async (section, expected) => {
    expect(await identity(`process: {${section}}\n`)).toMatch(expected);
  });

  it('owns the files of the project under whatever id it has, and what it makes belongs to the caller', async () => {
    const policy = scratch.policy('version: 1\nprocess: {run_as_user: "4242", run_as_group: "4343"}\n');
    const done = await openshell(
      ['run', '--policy', policy, '--', 'sh', '-c', 'stat -c %u:%g . && touch new-file'],
      here,
    );
    expect(done).toMatchObject({ code: 0, stdout: '4242:4343\n' });
    const made = statSync(join(scratch.project, 'new-file'));
    expect({ uid: made.uid, gid: made.gid }).toEqual({ uid, gid });
  });

  it.each([
    ['root', 'run_as_user: root'],
    ['uid 0', 'run_as_user: "0"'],
    ['a name of the host', 'run_as_user: daemon'],
  ])('is never %s', async (_who, section) => {
    const policy = scratch.policy(`version: 1\nprocess: {${section}}\n`);
    const done = await openshell(['run', '--policy', policy, '--', 'true'], here);
    expect(done.code).toBe(125);
    expect(done.stderr).toContain(':2:');
  });

  it('has no capability, not even in its own user namespace, and cannot gain any', async () => {
    const done = await openshell(
      ['run', '--', 'grep', '-E', '^(Cap|NoNewPrivs|Seccomp:)', '/proc/self/status'],
      here,
    );
    const fields = Object.fromEntries(
      done.stdout
        .trim()
        .split('\n')
        .map((line) => line.split(':\t') as [string, string]),
    );
    for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(fields[name], name).toBe('0000000000000000');
    expect(fields).toMatchObject({ NoNewPrivs: '1', Seccomp: '2' });
  });
});

describe('--user', () => {
  it.skipIf(isRoot)('needs root for another user', async () => {
    const done = await openshell(['run', '--user', '12345', '--', 'true'], here);
    expect(done.code).toBe(125);
    expect(done.stderr).toContain('`--user 12345` needs root');
  });

  it.runIf(isRoot)('runs as that user of the host, with its own files', async () => {
    const place = scratch.directory('of-12345');
    chownSync(place, 12345, 12345);
    const done = await openshell(
      ['run', '--user', '12345', '--workdir', place, '--', 'sh', '-c', 'id -u; touch made'],
      here,
    );
    expect(done).toMatchObject({ code: 0, stdout: '12345\n' });
    expect(statSync(join(place, 'made')).uid).toBe(12345);
  });

  it.runIf(isRoot)('has a home and a /tmp of its own without namespaces too', async () => {
    const place = scratch.directory('of-12346');
    chownSync(place, 12346, 12346);
    const script =
      'echo home > "$HOME/a" && echo tmp > "$TMPDIR/b" && cat "$HOME/a" "$TMPDIR/b"; ls "$HOME/.."';
    const done = await openshell(
      ['run', '--tier', 'platform', '--user', '12346', '--workdir', place, '--', 'sh', '-c', script],
      here,
    );
    expect(done.stdout).toBe('home\ntmp\n');
  });
});
