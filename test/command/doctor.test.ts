import { chmodSync, cpSync, existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { find, node, nodeOptions } from '../programs/support/host.ts';
import { OPENSHELL, openshell, PACKAGE } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const policy = scratch.policy('version: 1\n');

interface Diagnosis {
  readonly ok: boolean;
  readonly fixed: readonly string[];
  readonly findings: readonly { name: string; state: string; detail: string; remedy: string | null }[];
}

describe('doctor', () => {
  it('finds that sandboxes run here, feature by feature', async () => {
    const { code, stdout, stderr } = await openshell(['doctor'], here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of [
      'node',
      'launcher',
      'namespaces',
      'system call listener',
      'landlock',
      'process limit',
    ])
      expect(stdout).toMatch(new RegExp(`^(ok  |weak)  ${name}: .`, 'm'));
    expect(stdout).toMatch(/sandboxes run on this host\n$/);
  });

  it('gives a remedy for whatever is not ok, and none for what is', async () => {
    const { stdout } = await openshell(['doctor', '--output', 'json'], here);
    const { ok, fixed, findings } = JSON.parse(stdout) as Diagnosis;
    expect({ ok, fixed }).toEqual({ ok: true, fixed: [] });
    for (const { state, remedy } of findings) expect(remedy === null).toBe(state === 'ok');
  });

  it('--fix forgets what was known about the host, and a run knows it again', async () => {
    await openshell(['run', '--', 'true'], here);
    const cache = join(scratch.home, '.cache', 'openshell');
    expect(existsSync(cache)).toBe(true);
    const done = await openshell(['doctor', '--fix'], here);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('forgot what was known about this host');
    expect(existsSync(join(cache, 'plans'))).toBe(false);
    expect((await openshell(['run', '--', 'true'], here)).code).toBe(0);
  });
});

describe('inside a sandbox of openshell itself', () => {
  const nested = (...args: string[]) =>
    openshell(['run', '--quiet', ...nodeOptions, '--read', PACKAGE, '--', node, OPENSHELL, ...args], here);

  it('a run is refused in a few lines that say why', async () => {
    const done = await nested('run', '--', 'true');
    expect(done).toMatchObject({ code: 125, stdout: '' });
    expect(done.stderr).toContain('this host forbids the namespaces of the sandbox');
    expect(done.stderr).not.toMatch(/\n\s+at /);
  });

  it('doctor finds what is missing, with code 1', async () => {
    const { code, stdout } = await nested('doctor', '--output', 'json');
    expect(code).toBe(1);
    const { ok, findings } = JSON.parse(stdout) as Diagnosis;
    expect(ok).toBe(false);
    for (const name of ['namespaces', 'system call listener'])
      expect(findings.find((one) => one.name === name)).toMatchObject({
        state: 'missing',
        remedy: expect.any(String),
      });
  });

  it('a policy can be checked', async () => {
    const done = await nested('policy', 'check', '/etc/hostname');
    expect(done.code).toBe(1);
    expect(done.stdout).toContain('error:');
  });
});

describe.skipIf(find('cc') === null)('a package whose launcher is not built', () => {
  const copy = join(scratch.root, 'package');
  const script = join(copy, 'dist', 'openshell.cjs');
  const there = { ...here, script };
  const built = join(copy, 'launcher', 'bin', 'openshell-launcher');

  beforeAll(() => {
    for (const name of ['dist', 'launcher', 'tools', 'package.json', 'schema'])
      cpSync(join(PACKAGE, name), join(copy, name), { recursive: true });
    rmSync(join(copy, 'launcher', 'bin'), { recursive: true, force: true });
  });

  it.each([
    ['run', ['run', '--', 'true'], 125],
    ['plan', ['plan'], 1],
    ['explain', ['explain', '--read', '/etc/hosts'], 1],
    ['doctor', ['doctor'], 1],
  ])('%s fails and says in one line what to do', async (_name, args, code) => {
    const done = await openshell(args, there);
    expect(done.code).toBe(code);
    const said = `${done.stdout}${done.stderr}`
      .split('\n')
      .filter((line) => line.includes('openshell doctor --fix'));
    expect(said.length).toBe(1);
  });

  it('policy check still checks, and says it in one line too', async () => {
    const done = await openshell(['policy', 'check', policy], there);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(': valid') });
    expect(done.stderr.split('\n').filter((line) => line.includes('openshell doctor --fix')).length).toBe(1);
  });

  it('prints valid JSON all the same', async () => {
    const done = await openshell(['doctor', '--output', 'json'], there);
    expect(done.code).toBe(1);
    expect(JSON.parse(done.stdout)).toMatchObject({
      ok: false,
      findings: expect.arrayContaining([expect.objectContaining({ name: 'launcher', state: 'missing' })]),
    });
  });

  it('doctor --fix says what is missing where there is no compiler', async () => {
    const done = await openshell(['doctor', '--fix'], { ...there, env: { CC: '/no/such/compiler' } });
    expect(done.code).toBe(1);
    expect(done.stdout).toContain('no C compiler');
    expect(existsSync(built)).toBe(false);
  });

  it('doctor --fix builds it, and then programs run', async () => {
    const done = await openshell(['doctor', '--fix'], there);
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toContain(`built the launcher: ${built}`);
    expect(statSync(built).mode & 0o111).not.toBe(0);
    expect(await openshell(['run', '--', 'echo', 'fine'], there)).toMatchObject({
      code: 0,
      stdout: 'fine\n',
    });
    expect((await openshell(['doctor', '--fix'], there)).stdout).toContain(`the launcher is built: ${built}`);
  });

  it.skipIf(process.getuid!() === 0)(
    'doctor --fix builds it into the cache where the package cannot be written',
    async () => {
      rmSync(join(copy, 'launcher', 'bin'), { recursive: true, force: true });
      chmodSync(join(copy, 'launcher'), 0o555);
      try {
        const done = await openshell(['doctor', '--fix'], there);
        const place = join(scratch.home, '.cache', 'openshell', 'bin', 'openshell-launcher');
        expect(done.code, done.stdout + done.stderr).toBe(0);
        expect(done.stdout).toContain(`built the launcher: ${place}`);
        expect(await openshell(['run', '--', 'echo', 'fine'], there)).toMatchObject({
          code: 0,
          stdout: 'fine\n',
        });
      } finally {
        chmodSync(join(copy, 'launcher'), 0o755);
      }
    },
  );
});
