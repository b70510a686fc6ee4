import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errnoName } from '../../src/kernel/errno.ts';
import { RLIMIT } from '../../src/kernel/rlimit.ts';
import { encodePlan } from '../../src/plan/encode.ts';
import type { Mount, Plan } from '../../src/plan/plan.ts';
import { ENUMS } from '../../src/plan/wire.ts';
import { describeFailure } from '../../src/session/failure.ts';
import { isRoot } from '../programs/support/host.ts';
import { useScratch } from '../programs/support/scratch.ts';
import { withField } from './support/document-bytes.ts';
import { type LaunchTrial, launchAndWait } from './support/launching.ts';
import { notBuilt, planOf, requestOf, utf8 } from './support/plans.ts';

const scratch = useScratch();
const here = { cwd: scratch.project, home: scratch.home };
const mark = join(scratch.project, 'ran');
const leaveMark = requestOf(['/usr/bin/touch', mark]);

let plan: Plan;
beforeAll(() => {
  if (notBuilt === null) plan = planOf(here);
});

const builtin = { kind: 'builtin', line: null } as const;
const bind = (source: string, target: string): Mount => ({
  kind: 'bind',
  source,
  target,
  writable: false,
  devices: false,
  kept: false,
  idmapOwner: null,
  origin: builtin,
});

interface Broken {
  readonly what: string;
  readonly step: keyof typeof ENUMS.step;
  readonly errno: string | RegExp;
  /** Row of the plan that the report names; undefined: whatever. */
  readonly row?: number | null;
  /** The plan, changed before it is encoded. */
  readonly change?: (plan: Plan) => Plan;
  /** The document, changed after it was encoded: what no plan can say. */
  readonly bytes?: (document: Uint8Array, plan: Plan) => Uint8Array;
  readonly trial?: Partial<LaunchTrial>;
  readonly says: RegExp;
  readonly when?: boolean;
}

const withMount =
  (mount: Mount) =>
  (old: Plan): Plan => ({ ...old, mounts: [...old.mounts, mount] });
const last = (old: Plan): number => old.mounts.length - 1;

/** One for each step that can be made to fail from outside, in the order in which they are taken. */
const broken: readonly Broken[] = [
  {
    what: 'a document that is none',
    step: 'decode_plan',
    errno: 'EINVAL',
    row: null,
    bytes: (document) => document.slice(0, -1),
    says: /decode_plan/,
  },
  {
    what: 'uid 0 inside',
    step: 'decode_plan',
    errno: 'EINVAL',
    row: null,
    bytes: (document) => withField(document, 'settings', 0, 'inside_uid', 0),
    says: /decode_plan/,
  },
  {
    what: 'ids to drop, without being root',
    step: 'drop_ids',
    errno: 'EPERM',
    row: null,
    when: !isRoot,
    bytes: (document) => withField(document, 'settings', 0, 'host_kind', ENUMS.host_kind.drop),
    says: /--user UID/,
  },
  {
    what: 'root of the host as the workload',
    step: 'drop_ids',
    errno: 'EPERM',
    row: null,
    when: isRoot,
    bytes: (document) => withField(document, 'settings', 0, 'host_kind', ENUMS.host_kind.caller),
    says: /--user UID/,
  },
  {
    what: 'a cgroup that is not there',
    step: 'cgroup',
    errno: 'ENOENT',
    row: null,
    trial: { request: { ...leaveMark, cgroup: '/no/such/cgroup' } },
    says: /cgroup/,
  },
  {
    what: 'an id that cannot be mapped',
    step: 'id_map',
    errno: 'EINVAL',
    bytes: (document) => withField(document, 'settings', 0, 'inside_uid', 0xffff_ffff),
    says: /namespaces of the sandbox/,
  },
  {
    what: 'a source that is gone',
    step: 'open_source',
    errno: 'ENOENT',
    change: withMount(bind('/no/such/source', '/mnt/x')),
    says: /cannot open \/no\/such\/source: ENOENT/,
  },
  {
    what: 'a source that has become a symbolic link',
    step: 'open_source',
    errno: 'ELOOP',
    change: withMount(bind('/proc/self/exe', '/mnt/x')),
    says: /cannot open \/proc\/self\/exe: ELOOP/,
  },
  {
    what: 'a host name that is too long',
    step: 'hostname',
    errno: 'EINVAL',
    row: null,
    change: (old) => ({ ...old, namespaces: { ...old.namespaces, hostname: 'x'.repeat(65) } }),
    says: /hostname/,
  },
  {
    what: 'a proxy without a channel to hand its socket over',
    step: 'handle',
    errno: /./,
    row: null,
    change: (old) => ({ ...old, egress: { ...old.egress, mode: 'proxy' } }),
    says: /handle/,
  },
  {
    what: 'a kind of mount that is unknown',
    step: 'mount',
    errno: 'EINVAL',
    row: 0,
    bytes: (document) => withField(document, 'mount', 0, 'kind', 99),
    says: /cannot show/,
  },
  {
    what: 'a target in a read-only directory of the host',
    step: 'mount',
    errno: /EROFS|EACCES|ENOENT|EPERM/,
    change: withMount(bind('/etc', '/usr/no-such-place')),
    says: /cannot show \/etc inside the sandbox/,
  },
  {
    what: 'a target that climbs out of the root',
    step: 'mount',
    errno: /./,
    change: withMount(bind('/etc', '/tmp/../../x')),
    says: /cannot show \/etc inside the sandbox/,
  },
  {
    what: 'a file over a directory',
    step: 'mount',
    errno: /ENOTDIR|EINVAL/,
    change: withMount(bind('/etc/hostname', '/tmp')),
    says: /cannot show \/etc\/hostname inside the sandbox/,
  },
  {
    what: 'a terminal in a root without /dev/pts',
    step: 'pty',
    errno: 'ENOENT',
    row: null,
    change: (old) => ({
      ...old,
      mounts: old.mounts.filter(({ target }) => !target.startsWith('/dev/pts') && target !== '/dev/ptmx'),
    }),
    trial: { request: { ...leaveMark, terminal: true } },
    says: /pty/,
  },
  {
    what: 'a working directory that is not shown',
    step: 'workdir',
    errno: 'ENOENT',
    row: null,
    change: (old) => ({ ...old, workdir: '/no/such/directory' }),
    says: /the working directory \/no\/such\/directory cannot be entered/,
  },
  {
    what: 'a resource limit that does not exist',
    step: 'rlimit',
    errno: 'EINVAL',
    row: 1,
    bytes: (document) => withField(document, 'rlimit', 1, 'resource', 99),
    says: /rlimit/,
  },
  {
    what: 'a soft limit above the hard one, which is lowered instead',
    step: 'exec',
    errno: 'ENOENT',
    change: (old) => ({
      ...old,
      rlimits: [{ resource: RLIMIT.RLIMIT_NOFILE, name: 'RLIMIT_NOFILE', soft: 100, hard: 50 }],
    }),
    trial: { request: requestOf(['/no/such/program']) },
    says: /cannot execute/,
  },
  {
    what: 'a Landlock that this kernel does not have',
    step: 'landlock_abi',
    errno: 'EOPNOTSUPP',
    row: null,
    change: (old) => ({ ...old, landlock: { ...old.landlock, abi: 99 } }),
    says: /less of Landlock/,
  },
  {
    what: 'Landlock rights that do not exist',
    step: 'landlock',
    errno: 'EINVAL',
    bytes: (document) => withField(document, 'settings', 0, 'handled_fs', 1n << 63n),
    says: /landlock/,
  },
  {
    what: 'a Landlock rule for a path that is not there',
    step: 'landlock_rule',
    errno: 'ENOENT',
    row: 1,
    change: (old) => ({
      ...old,
      landlock: {
        ...old.landlock,
        rows: old.landlock.rows.map((row, i) => (i === 1 ? { ...row, path: '/no/such/path' } : row)),
      },
    }),
    says: /cannot add a Landlock rule for \/no\/such\/path: ENOENT/,
  },
  {
    what: 'a filter without an end',
    step: 'seccomp',
    errno: 'EINVAL',
    change: (old) => ({ ...old, seccomp: { ...old.seccomp, program: old.seccomp.program.slice(0, 1) } }),
    says: /cannot load the system call filter: EINVAL/,
  },
  {
    what: 'no filter at all',
    step: 'seccomp',
    errno: 'EINVAL',
    change: (old) => ({ ...old, seccomp: { ...old.seccomp, program: [] } }),
    says: /cannot load the system call filter: EINVAL/,
  },
  {
    what: 'a program that is not there',
    step: 'exec',
    errno: 'ENOENT',
    row: null,
    trial: { request: requestOf(['no-such-program']) },
    says: /cannot execute no-such-program: not found inside the sandbox/,
  },
];

const launch = async ({ change, bytes, trial }: Pick<Broken, 'change' | 'bytes' | 'trial'>) => {
  rmSync(mark, { force: true });
  const changed = change?.(plan) ?? plan;
  const encoded = encodePlan(changed, utf8);
  const document = bytes?.(encoded, changed) ?? encoded;
  return { changed, launched: await launchAndWait({ document, request: leaveMark, ...trial }) };
};

describe.skipIf(notBuilt !== null)(
  'INV-01 a launch that fails at any step runs nothing, and says which step',
  () => {
    it('with a plan that can be carried out, the program runs', async () => {
      const { launched } = await launch({});
      expect(launched).toMatchObject({ failure: null, problem: null });
      expect(launched.reports.map(({ kind }) => kind)).toEqual(['started', 'exited']);
      expect(existsSync(mark)).toBe(true);
    });

    for (const one of broken) {
      it.skipIf(one.when === false)(`${one.step}: ${one.what}`, async () => {
        const { changed, launched } = await launch(one);
        expect(launched.failure, JSON.stringify(launched.reports)).not.toBe(null);
        const { step, errno, row } = launched.failure!;
        expect(step).toBe(one.step);
        expect(errnoName(errno)).toMatch(
          typeof one.errno === 'string' ? new RegExp(`^${one.errno}$`) : one.errno,
        );
        if (one.row !== undefined) expect(row).toBe(one.row);
        else if (step === 'mount' || step === 'open_source') expect(row).toBe(last(changed));
        const text = describeFailure(launched.failure!, changed, one.trial?.request?.command[0] ?? 'touch');
        expect(`${text.message} ${text.hint}`).toMatch(one.says);
        expect(text.code).toBe(step === 'exec' ? 127 : 125);
        // The last step of all is taken by the program's own process, which has reported itself by then.
        expect(launched.reports.some(({ kind }) => kind === 'started')).toBe(step === 'exec');
        expect(existsSync(mark)).toBe(false);
      });
    }
  },
);
