import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { isRoot } from '../programs/support/host.ts';
import { environmentOf, finished, OPENSHELL, openshell } from '../programs/support/openshell.ts';
import { useScratch } from '../programs/support/scratch.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };

interface Check {
  readonly file: string;
  readonly valid: boolean;
  readonly issues: readonly {
    code: string;
    severity: string;
    line: number;
    column: number;
    message: string;
  }[];
  readonly host: readonly { line: number | null; message: string; hint: string | null }[];
}

const check = (file: string, ...args: string[]) => openshell(['policy', 'check', file, ...args], here);
const checkJson = async (file: string): Promise<Check> =>
  JSON.parse((await check(file, '--output', 'json')).stdout) as Check;

describe('policy check', () => {
  it('says that a policy is valid, with code 0', async () => {
    const file = scratch.policy('version: 1\n', 'valid.yaml');
    expect(await check(file)).toMatchObject({
      code: 0,
      stdout: `${file}: valid (0 errors, 0 warnings)\n`,
      stderr: '',
    });
    expect(await checkJson(file)).toEqual({ file, valid: true, issues: [], host: [] });
  });

  it('gives every complaint with line, column, the line itself, a caret and what to do, with code 1', async () => {
    const file = scratch.policy(
      'version: 1\nfilesystem_policy:\n  read_onyl: [/usr]\nlimits: {memory: lots}\nnope: 1\n',
      'three.yaml',
    );
    const { code, stdout } = await check(file);
    expect(code).toBe(1);
    expect(stdout).toContain(`${file}:3:3: error:`);
    expect(stdout).toContain('  3 |   read_onyl: [/usr]\n    |   ^^^^^^^^^\n');
    expect(stdout).toContain('read_only');
    expect(stdout).toContain(`${file}:4:18: error:`);
    expect(stdout).toContain(`${file}:5:1: error:`);
    expect(stdout).toMatch(/not valid \(3 errors, 0 warnings\)\n$/);
    const { valid, issues } = await checkJson(file);
    expect(valid).toBe(false);
    expect(issues.map(({ line, column, severity }) => [line, column, severity])).toEqual([
      [3, 3, 'error'],
      [4, 18, 'error'],
      [5, 1, 'error'],
    ]);
  });

  it.each([
    ['that is missing', '/no/such/file', 'no such file'],
    ['that is a directory', '/etc', 'it is a directory'],
  ])('of a file %s says so, with code 1, in text and in JSON', async (_what, file, reason) => {
    const text = await check(file);
    expect(text).toMatchObject({ code: 1, stdout: '' });
    expect(text.stderr).toBe(`openshell: cannot read the policy ${file}: ${reason}\n`);
    expect(await checkJson(file)).toMatchObject({ valid: false, issues: [{ code: 'unreadable' }], host: [] });
  });

  it.each([
    ['no UTF-8', Buffer.from([0x76, 0xff, 0xfe])],
    ['a NUL', 'version: 1\0\n'],
    ['nothing', ''],
  ])('of a file that holds %s says so, with code 1', async (_what, content) => {
    const file = scratch.write('odd.yaml', content);
    expect((await check(file)).code).toBe(1);
  });

  it('reads standard input as -', async () => {
    const done = await openshell(['policy', 'check', '-'], { ...here, input: 'version: 1\n' });
    expect(done).toMatchObject({ code: 0, stdout: '-: valid (0 errors, 0 warnings)\n' });
  });

  it('checks what the policy expects of itself', async () => {
    const file = scratch.policy(
      [
        'version: 1',
        'network_policies:',
        '  web:',
        '    endpoints: [{host: a.test, port: 443}]',
        '    binaries: [{path: /usr/bin/env}]',
        'expect:',
        '  - {connect: "a.test:443", binary: /usr/bin/env, verdict: allow, rule: web}',
        '  - {connect: "b.test:443", verdict: allow}',
        '  - {write: /usr/x, verdict: deny}',
        '  - {syscall: ptrace, verdict: deny}',
        '',
      ].join('\n'),
      'expect.yaml',
    );
    const { code, stdout } = await check(file);
    expect(code).toBe(1);
    expect(stdout).toContain(`${file}:8: error: expect[1]`);
    expect(stdout).toContain('not valid (1 error, 0 warnings)');
    expect((await checkJson(file)).issues).toMatchObject([{ code: 'expectation_failed', line: 8 }]);
    const run = await openshell(['run', '--policy', file, '--', 'true'], here);
    expect(run.code).toBe(125);
    expect(run.stderr).toContain(`${file}:8`);
  });
});

describe('what policy check finds on this host', () => {
  /** A policy with one network policy for these binaries; their lines count from 7. */
  const listing = (...binaries: string[]): string =>
    scratch.policy(
      [
        'version: 1',
        'filesystem_policy: {include_workdir: true, read_only: [/usr, /etc]}',
        'network_policies:',
        '  web:',
        '    endpoints: [{host: a.test, port: 443}]',
        '    binaries:',
        ...binaries.map((path) => `      - path: ${path}`),
        '',
      ].join('\n'),
      'host.yaml',
    );

  it('warns of each binary that is not what it seems, with its line, and stays valid', async () => {
    const script = scratch.write('home/project/tool', '#!/usr/bin/env python3\n', 0o755);
    const program = scratch.write('home/project/program', '\x7fELF', 0o755);
    await openshell(['run', '--', 'sh', '-c', 'ln -sf /usr/bin/env link'], here);
    const file = listing(
      '/no/such/binary',
      script,
      program,
      `${scratch.project}/link`,
      '/usr/bin',
      '/usr/bin/*',
    );
    const { valid, issues, host } = await checkJson(file);
    expect({ valid, issues }).toEqual({ valid: true, issues: [] });
    const about = (line: number): string[] =>
      host.filter((warning) => warning.line === line).map(({ message }) => message);
    expect(about(7)).toEqual([expect.stringContaining('/no/such/binary does not exist')]);
    expect(about(8)).toEqual([
      expect.stringContaining('is a script: the kernel names its interpreter'),
      expect.stringContaining('which the workload may write'),
    ]);
    expect(about(9)).toEqual([expect.stringContaining('which the workload may write')]);
    expect(about(10)[0]).toContain('is a symbolic link to /usr/bin/env');
    expect(about(11)).toEqual([expect.stringContaining('is a directory')]);
    expect(about(12)).toEqual([]);
    const { code, stdout } = await check(file);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `${file}:7: warning: the binary /no/such/binary does not exist on this host\n  hint: `,
    );
    expect(stdout).toMatch(new RegExp(`valid \\(0 errors, ${host.length} warnings\\)\\n$`));
  });

  it('says what this version refuses to run, with its line', async () => {
    const file = scratch.policy(
      [
        'version: 1',
        'network_policies:',
        '  web:',
        '    endpoints:',
        '      - host: a.test',
        '        port: 443',
        '        protocol: sql',
        '        access: read-only',
        '    binaries: [{path: /usr/bin/env}]',
        '',
      ].join('\n'),
      'later.yaml',
    );
    const { valid, host } = await checkJson(file);
    expect(valid).toBe(true);
    expect(host).toMatchObject([{ line: 7, message: expect.stringContaining('refuses this policy') }]);
  });
});

describe('policy schema', () => {
  it('prints a JSON Schema that knows the sections of a policy', async () => {
    const done = await openshell(['policy', 'schema'], here);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const schema = JSON.parse(done.stdout) as {
      $schema: string;
      properties: object;
      additionalProperties: boolean;
    };
    expect(schema.$schema).toContain('json-schema.org');
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining([
        'version',
        'filesystem_policy',
        'process',
        'network_policies',
        'limits',
        'expect',
        'dns',
      ]),
    );
  });
});

describe('a run with a policy that cannot be used', () => {
  const marked = ['--', 'touch', 'ran'];

  it.each([
    [
      'with a typing error',
      'version: 1\nfilesystem_policy:\n  read_onyl: [/usr]\n',
      /:3:3: error:[\s\S]*\^\^\^\^\^\^\^\^\^/,
    ],
    ['that is no YAML', 'version: [1\n', /:\d+:\d+: error:/],
    ['of another version', 'version: 2\n', /:1:10: error:/],
    ['that is empty', '', /error/],
    ['with an unknown section', 'version: 1\nsecrets: {}\n', /:2:1: error:[\s\S]*\^/],
    [
      'with a path that climbs',
      'version: 1\nfilesystem_policy: {read_only: [/usr/../root]}\n',
      /:2:\d+: error:/,
    ],
  ])('ends with 125 and shows the place: a policy %s', async (_what, text, message) => {
    const file = scratch.policy(text, 'bad.yaml');
    const done = await openshell(['run', '--policy', file, ...marked], here);
    expect(done).toMatchObject({ code: 125, stdout: '' });
    expect(done.stderr).toMatch(message);
    expect(done.stderr).not.toMatch(/\n\s+at /);
  });

  it.each([['protocol: sql', 'endpoints: [{host: a.test, port: 5432, protocol: sql, access: full}]', 4]])(
    'is refused with its line when it needs what this version has not: %s',
    async (_what, endpoints, line) => {
      const file = scratch.policy(
        `version: 1\nnetwork_policies:\n  web:\n    ${endpoints}\n    binaries: [{path: /usr/bin/env}]\n`,
        'later.yaml',
      );
      expect((await checkJson(file)).valid).toBe(true);
      const done = await openshell(['run', '--policy', file, ...marked], here);
      expect(done).toMatchObject({ code: 125, stdout: '' });
      expect(done.stderr).toContain(`${file}:${line}: network_policies.web:`);
      expect(done.stderr).toContain('hint:');
    },
  );

  it('warns of a policy for nobody, and runs it', async () => {
    const file = scratch.policy(
      'version: 1\nnetwork_policies:\n  web:\n    endpoints: [{host: a.test, port: 443}]\n    binaries: []\n',
      'nobody.yaml',
    );
    const done = await openshell(['run', '--policy', file, '--', 'true'], here);
    expect(done.code).toBe(0);
    expect(done.stderr).toMatch(/warning:[\s\S]*\/\*\*/);
    expect((await openshell(['run', '--quiet', '--policy', file, '--', 'true'], here)).stderr).toBe('');
  });

  it('a file of 10 MB is refused in bounded memory, by name and size', async () => {
    const file = scratch.write('huge.yaml', Buffer.alloc(10_000_000, '# padding\n'));
    for (const args of [
      ['run', '--policy', file, ...marked],
      ['policy', 'check', file],
      ['plan', file],
    ]) {
      const done = await openshell(args, { ...here, env: { NODE_OPTIONS: '--max-old-space-size=48' } });
      expect(done.code, args[0]).toBe(args[0] === 'run' ? 125 : 1);
      expect(done.stderr).toContain(`the policy ${file} is larger than`);
    }
  });

  it('an endless standard input is refused as well', async () => {
    const script = 'yes "# padding" | "$@"';
    const child = spawn(
      '/bin/sh',
      ['-c', script, 'sh', process.execPath, OPENSHELL, 'run', '--policy', '-', ...marked],
      {
        cwd: here.cwd,
        env: environmentOf(here),
      },
    );
    const done = await finished(child);
    expect(done.code).toBe(125);
    expect(done.stderr).toContain('is larger than');
  });

  it.skipIf(isRoot)('a policy that the caller may not read is refused', async () => {
    const file = scratch.write('closed.yaml', 'version: 1\n', 0o000);
    const done = await openshell(['run', '--policy', file, ...marked], here);
    expect(done).toMatchObject({ code: 125 });
    expect(done.stderr).toContain('permission denied');
  });

  it('did not run the program in any of these cases', async () => {
    const done = await openshell(['run', '--', 'sh', '-c', 'ls ran 2>/dev/null; true'], here);
    expect(done.stdout).toBe('');
  });
});
