import { describe, expect, it } from 'vitest';
import type { PathFact } from '../../src/plan/facts.ts';
import type { Mount, Plan } from '../../src/plan/plan.ts';
import { compiled, tryCompile } from './compiled.ts';
import { pretendedHost } from './pretended-host.ts';

const directory = (canonical: string, links: { at: string; text: string }[] = []): PathFact => ({
  kind: 'directory',
  canonical,
  links,
  uid: 0,
  gid: 0,
});
const file = (canonical: string, links: { at: string; text: string }[] = []): PathFact => ({
  kind: 'file',
  canonical,
  links,
  uid: 1000,
  gid: 1000,
});

/** The last row at a place, as the workload meets it. */
const at = (plan: Plan, target: string): Mount | undefined =>
  plan.mounts.findLast((mount) => mount.target === target);
const policy = (lines: string): string => `version: 1\n${lines}`;

describe('without a policy', () => {
  const plan = compiled(null);

  it('shows system directories read-only and the working directory writable', () => {
    expect(at(plan, '/usr')).toMatchObject({ kind: 'bind', writable: false, origin: { kind: 'default' } });
    expect(at(plan, '/home/dev/project')).toMatchObject({ kind: 'bind', writable: true });
  });

  it('gives an empty home at its own path, and an empty /tmp', () => {
    expect(at(plan, '/home/dev')).toMatchObject({ kind: 'private', mode: 0o700 });
    expect(at(plan, '/tmp')).toMatchObject({ kind: 'private', mode: 0o1777 });
  });

  it('has no network and no proxy variables', () => {
    expect(plan.egress.mode).toBe('block');
    expect(plan.environment.some(({ name }) => /proxy/i.test(name))).toBe(false);
  });

  it('makes the top-level links of a merged-usr host again', () => {
    expect(at(plan, '/lib64')).toMatchObject({ kind: 'symlink', link: 'usr/lib64' });
  });
});

describe('listed paths', () => {
  it('are a union: what one section makes writable, another cannot take back', () => {
    const plan = compiled(
      policy('filesystem_policy: {include_workdir: true, read_only: [/usr, "${WORKDIR}"]}'),
    );
    expect(at(plan, '/home/dev/project')).toMatchObject({ writable: true });
  });

  it('that a parent shows in the same way get no mount of their own', () => {
    const plan = compiled(policy('filesystem_policy: {include_workdir: true, read_only: [/usr, /usr/bin]}'));
    expect(at(plan, '/usr/bin')).toBeUndefined();
  });

  it('that are writable inside a read-only directory get one', () => {
    const plan = compiled(
      policy('filesystem_policy: {include_workdir: true, read_only: [/usr], read_write: [/usr/lib]}'),
    );
    expect(at(plan, '/usr/lib')).toMatchObject({ kind: 'bind', writable: true });
  });

  it('come through links to where they lead, with the link made again', () => {
    const extra = { '/data': directory('/srv/data', [{ at: '/data', text: 'srv/data' }]) };
    const plan = compiled(policy('filesystem_policy: {include_workdir: true, read_only: [/usr, /data]}'), {
      facts: pretendedHost({ extra }),
    });
    expect(at(plan, '/srv/data')).toMatchObject({ kind: 'bind', source: '/srv/data', writable: false });
    expect(at(plan, '/data')).toMatchObject({ kind: 'symlink', link: 'srv/data' });
  });

  it('that are writable and do not exist are private directories', () => {
    const plan = compiled(
      policy('filesystem_policy: {include_workdir: true, read_only: [/usr], read_write: [/sandbox]}'),
    );
    expect(at(plan, '/sandbox')).toMatchObject({ kind: 'private', writable: true });
  });

  it('that are writable, missing and below a read-only one are refused with their line', () => {
    const { problems } = tryCompile(
      policy(
        'filesystem_policy:\n  include_workdir: true\n  read_only: [/usr]\n  read_write:\n    - /usr/cache\n',
      ),
    );
    expect(problems).toMatchObject([{ line: 6, message: expect.stringContaining('/usr/cache') }]);
  });

  it('that are read-only and do not exist are noted', () => {
    const plan = compiled(policy('filesystem_policy: {include_workdir: true, read_only: [/usr, /nowhere]}'));
    expect(plan.notes.join()).toContain('/nowhere');
  });

  it('never bring the /proc, /dev or /tmp of the host', () => {
    const plan = compiled(
      policy('filesystem_policy: {include_workdir: true, read_only: [/usr, /proc, /dev, /tmp]}'),
    );
    expect(
      plan.mounts.filter(
        (mount) => mount.kind === 'bind' && ['/proc', '/dev', '/tmp'].includes(mount.source),
      ),
    ).toEqual([]);
  });

  it('`/` read-only shows what is in it, by name', () => {
    const plan = compiled(policy('filesystem_policy: {include_workdir: true, read_only: [/]}'));
    expect(at(plan, '/opt')).toMatchObject({ kind: 'bind', writable: false });
    expect(at(plan, '/')).toBeUndefined();
    // Home is then listed, so it is not empty.
    expect(at(plan, '/home/dev')).toBeUndefined();
  });

  it('take `~/` and `${WORKDIR}` from the caller', () => {
    const extra = { '/home/dev/.config': directory('/home/dev/.config') };
    const plan = compiled(
      policy('filesystem_policy: {include_workdir: true, read_only: [/usr, ~/.config]}'),
      { facts: pretendedHost({ extra }) },
    );
    expect(at(plan, '/home/dev/.config')).toMatchObject({ kind: 'bind', writable: false });
  });
});

describe('protections', () => {
  it('hold what exists of the built-in list, and pin its parents', () => {
    const plan = compiled(null);
    expect(at(plan, '/home/dev/project/.git/hooks')).toMatchObject({ kind: 'bind', writable: false });
    expect(at(plan, '/home/dev/project/.git/config')).toMatchObject({ kind: 'bind', writable: false });
    expect(at(plan, '/home/dev/project/.git')).toMatchObject({
      kind: 'bind',
      writable: true,
      source: '/home/dev/project/.git',
    });
    expect(at(plan, '/home/dev/project/.vscode')).toBeUndefined();
  });

  it('hold a `.git` that is a file: it names where the hooks are', () => {
    const extra = { '/home/dev/project/.git': file('/home/dev/project/.git') };
    const repositories = {
      roots: ['/home/dev/project'],
      found: [{ path: '/home/dev/project/.git', kind: 'file' as const }],
      complete: true,
    };
    const facts = pretendedHost({ extra, repositories });
    expect(at(compiled(null, { facts }), '/home/dev/project/.git')).toMatchObject({
      kind: 'bind',
      writable: false,
    });
  });

  it('hide what is denied, a directory or a file, and let nothing below it be shown', () => {
    const extra = {
      '/home/dev/project/secrets': directory('/home/dev/project/secrets'),
      '/home/dev/project/.env': file('/home/dev/project/.env'),
    };
    const text = policy(
      'filesystem_policy: {include_workdir: true, read_only: [/usr], deny: ["${WORKDIR}/secrets", "${WORKDIR}/.env"], protect: ["${WORKDIR}/secrets"]}',
    );
    const plan = compiled(text, { facts: pretendedHost({ extra }) });
    expect(at(plan, '/home/dev/project/secrets')).toMatchObject({
      kind: 'private',
      writable: false,
      mode: 0,
    });
    expect(at(plan, '/home/dev/project/.env')).toMatchObject({ kind: 'file', content: '', mode: 0 });
    expect(plan.landlock.rows.some(({ path }) => path.startsWith('/home/dev/project/secrets'))).toBe(false);
  });

  it('keep openshell itself from being written, wherever it lies', () => {
    const extra = { '/home/dev/project/node_modules/os': directory('/home/dev/project/node_modules/os') };
    const facts = pretendedHost({ extra, ownFiles: ['/home/dev/project/node_modules/os'] });
    const plan = compiled(null, { facts });
    expect(at(plan, '/home/dev/project/node_modules/os')).toMatchObject({ kind: 'bind', writable: false });
    expect(at(plan, '/home/dev/project/node_modules')).toMatchObject({ kind: 'bind', writable: true });
  });

  it('make a writable directory inside openshell read-only', () => {
    const facts = pretendedHost({ ownFiles: ['/home/dev'] });
    expect(at(compiled(null, { facts }), '/home/dev/project')).toMatchObject({
      kind: 'bind',
      writable: false,
    });
  });

  it('come after everything that they lie on', () => {
    const { mounts } = compiled(null);
    const last = mounts.findLastIndex(({ target }) => target === '/home/dev/project');
    expect(mounts.findIndex(({ target }) => target === '/home/dev/project/.git')).toBeGreaterThan(last);
  });
});

describe('what is refused', () => {
  it.each([
    [
      'endpoints whose protocol it does not read',
      'network_policies:\n  a:\n    endpoints:\n      - host: x.example.com\n        port: 443\n        protocol: sql\n        access: full\n    binaries: [/usr/bin/curl]\n',
      7,
    ],
  ])('%s, with their line', (_what, text, line) => {
    const { problems } = tryCompile(policy(text));
    expect(problems.map((problem) => problem.line)).toContain(line);
  });

  it('a working directory that cannot be seen, naming include_workdir', () => {
    const { problems } = tryCompile(policy('filesystem_policy: {read_only: [/usr]}'));
    expect(problems).toMatchObject([{ hint: expect.stringContaining('include_workdir') }]);
  });

  it('INV-06 a host that lacks a required layer, unless the operator accepts it', () => {
    const text = policy(
      'filesystem_policy: {include_workdir: true, read_only: [/usr]}\nlandlock: {compatibility: hard_requirement}',
    );
    const facts = pretendedHost({ kernel: { landlockAbi: 0 } });
    expect(tryCompile(text, { facts }).problems).toMatchObject([
      { message: expect.stringContaining('landlock') },
    ]);
    const plan = compiled(text, { facts, operator: { acceptDegraded: true } });
    expect(plan.report).toContainEqual(
      expect.objectContaining({ layer: 'landlock', state: 'off', required: true }),
    );
  });

  it('INV-06 a host without user namespaces or without a listener', () => {
    const forbidden = pretendedHost({ kernel: { namespacesProblem: 'clone gives EPERM' } });
    expect(tryCompile(null, { facts: forbidden, operator: { tier: 'namespaces' } }).problems).toHaveLength(1);
    expect(
      tryCompile(null, { facts: pretendedHost({ kernel: { notifyProblem: 'seccomp gives EBUSY' } }) })
        .problems,
    ).toHaveLength(1);
  });

  it('nothing where the other tier does, which says so', () => {
    const facts = pretendedHost({ kernel: { namespacesProblem: 'clone gives EPERM' } });
    const { plan, problems } = tryCompile(null, { facts });
    expect(problems).toEqual([]);
    expect(plan).toMatchObject({ tier: 'platform', mounts: [] });
    expect(plan!.warnings[0]).toContain('clone gives EPERM');
  });

  it('a working directory that is the root of the host', () => {
    expect(tryCompile(null, { facts: pretendedHost({ caller: { workdir: '/' } }) }).problems).toMatchObject([
      { message: expect.stringContaining('`/`') },
    ]);
  });

  it("the host's network beside network policies", () => {
    const text = policy(
      'network_policies: {a: {endpoints: [{host: x.example.com, port: 443}], binaries: [/usr/bin/curl]}}',
    );
    expect(tryCompile(text, { operator: { network: 'allow' } }).problems).toHaveLength(1);
    expect(tryCompile(null, { operator: { network: 'allow' } }).problems).toEqual([]);
  });

  it('an expectation that does not hold, with its line', () => {
    const text = policy(
      'expect:\n  - { connect: "x.example.com:443", verdict: allow }\n  - { read: /usr/bin/env, verdict: allow }\n',
    );
    expect(tryCompile(text).problems).toMatchObject([{ line: 3 }]);
  });
});

describe('identity', () => {
  it("is the caller's own", () => {
    expect(compiled(null).identity).toMatchObject({
      insideUid: 1000,
      host: { kind: 'caller', uid: 1000 },
      userName: 'dev',
    });
  });

  it('is never uid 0, also when openshell runs as root', () => {
    const plan = compiled(null, { facts: pretendedHost({ caller: { uid: 0, gid: 0 } }) });
    expect(plan.identity).toMatchObject({
      insideUid: 1000,
      host: { kind: 'drop', uid: 'unused' },
      userName: 'sandbox',
    });
    expect(at(plan, '/home/dev/project')).toMatchObject({ idmapOwner: { uid: 1000, gid: 1000 } });
  });

  it('follows run_as_user inside', () => {
    expect(compiled(policy('process: {run_as_user: "4711"}')).identity.insideUid).toBe(4711);
  });
});

describe('Landlock', () => {
  it.each([1, 2, 3, 4, 5, 6, 7])('at ABI %i handles nothing that the kernel does not know', (abi) => {
    const { landlock } = compiled(null, { facts: pretendedHost({ kernel: { landlockAbi: abi } }) });
    const known = [0, 13, 14, 15, 15, 16, 16, 16][abi]!;
    expect(landlock.handledFs).toBe(2 ** known - 1);
    expect(landlock.handledNet).toBe(abi >= 4 ? 3 : 0);
    expect(landlock.scoped).toBe(abi >= 6 ? 3 : 0);
    for (const { access } of landlock.rows) expect(access & ~landlock.handledFs).toBe(0);
  });

  it('lets nothing be written that the private root shows read-only', () => {
    const { landlock, mounts } = compiled(null);
    const write = 2; // LANDLOCK_ACCESS_FS_WRITE_FILE
    for (const { path, access } of landlock.rows) {
      if ((access & write) === 0) continue;
      const mount = mounts.findLast(({ target }) => target === path);
      expect(
        mount?.kind === 'devpts' || (mount !== undefined && 'writable' in mount && mount.writable),
        path,
      ).toBe(true);
    }
  });

  it('leaves the ports to the host when the network is the host’s', () => {
    expect(compiled(null, { operator: { network: 'allow' } }).landlock.handledNet).toBe(0);
  });
});

describe('plans', () => {
  it('are frozen all the way down', () => {
    const plan = compiled(null);
    expect(Object.isFrozen(plan.mounts)).toBe(true);
    expect(Object.isFrozen(plan.seccomp.program[0])).toBe(true);
  });

  it('hold memory by a cgroup where one was delegated, else by the warden', () => {
    const text = policy('limits: {memory: 1GiB}');
    expect(compiled(text).report).toContainEqual(
      expect.objectContaining({ layer: 'memory', state: 'partial' }),
    );
    const facts = pretendedHost({ cgroup: { parent: '/sys/fs/cgroup/user', detail: '' } });
    expect(compiled(text, { facts }).report).toContainEqual(
      expect.objectContaining({ layer: 'memory', state: 'enforced' }),
    );
  });
});
