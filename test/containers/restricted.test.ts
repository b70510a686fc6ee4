/**
 * Controls: the containers are restricted as Kubernetes' `restricted` profile wants it, and each seccomp profile lets
 * through and refuses what it is known for. They show that what openshell does in these containers means something.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileProbe, noCompiler } from '../enforcement/probe-program.ts';
import { runCommand } from '../support/command.ts';
import { cleanEnvironment, isRoot, isRootRole, notBuilt, openshell, REPOSITORY } from '../support/product.ts';
import { Scratch } from '../support/scratch.ts';
import { CONTAINER_UID, VOLUMES } from './bundle.ts';
import { runInContainer } from './container.ts';
import { noContainers } from './runtime.ts';
import { PROFILES, type Profile } from './seccomp-profiles.ts';

const unavailable =
  noContainers ?? notBuilt ?? noCompiler ?? (isRoot && !isRootRole ? 'root: OPENSHELL_TEST_ROLE=root' : null);

interface Finding {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
}

const EPERM = 'errno 1';
const ENOSYS = 'errno 38';
const OK = 'ok';
/** What the probe program says to an attempt that would work without a container. */
const CALLS: readonly (readonly [attempt: string, answers: Readonly<Record<Profile, string>>])[] = [
  ['unshare 0x10000000', { common: OK, moby20: EPERM, ctrd24: EPERM }],
  ['clone 0x10000000', { common: OK, moby20: EPERM, ctrd24: EPERM }],
  ['clone3 0', { common: OK, moby20: ENOSYS, ctrd24: ENOSYS }],
  ['unshare-table', { common: OK, moby20: EPERM, ctrd24: EPERM }],
  ['pidfd-getfd', { common: OK, moby20: EPERM, ctrd24: EPERM }],
  ['process-vm-readv', { common: OK, moby20: EPERM, ctrd24: OK }],
  ['io-uring-setup', { common: ENOSYS, moby20: OK, ctrd24: EPERM }],
  ['keyctl', { common: OK, moby20: EPERM, ctrd24: EPERM }],
  // An AF_VSOCK socket; containerd forbids it since 2.4.
  ['socket 40 1 0', { common: OK, moby20: OK, ctrd24: EPERM }],
  ['kcmp', { common: EPERM, moby20: EPERM, ctrd24: EPERM }],
  ['bpf', { common: EPERM, moby20: EPERM, ctrd24: EPERM }],
  // What the tier without namespaces needs, and what it has to refuse by itself.
  ['seccomp-listener', { common: OK, moby20: OK, ctrd24: OK }],
  ['pidfd-open', { common: OK, moby20: OK, ctrd24: OK }],
  ['close-range-unshare', { common: OK, moby20: OK, ctrd24: OK }],
  ['trace-child', { common: OK, moby20: OK, ctrd24: OK }],
  ['socket 16 3 0', { common: OK, moby20: OK, ctrd24: OK }],
  ['socket 2 1 262', { common: OK, moby20: OK, ctrd24: OK }],
  ['int80 20', { common: OK, moby20: OK, ctrd24: OK }],
];

const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys'];
const WRITABLE = ['/dev/mqueue', '/dev/pts', '/dev/shm', '/proc', ...VOLUMES].sort();

describe.skipIf(unavailable !== null)(
  `containers${unavailable === null ? '' : ` (skipped: ${unavailable})`}`,
  () => {
    let scratch: Scratch;
    let probe: string;
    beforeAll(() => {
      scratch = new Scratch('restricted');
      probe = compileProbe(scratch.directory('tools'));
    });
    afterAll(() => scratch.remove());

    const contained = async (profile: Profile, script: string, network: 'private' | 'host' = 'private') => {
      const mounts = [{ path: scratch.path }];
      const { code, stdout, stderr } = await runInContainer({
        profile,
        network,
        mounts,
        command: ['sh', '-c', script],
      });
      return { code, stderr, lines: stdout.split('\n').slice(0, -1) };
    };

    describe.each(PROFILES)('under the profile %s', (profile) => {
      it('run an unprivileged user without capabilities, who cannot get new privileges, under one filter', async () => {
        const { lines } = await contained(profile, 'cat /proc/self/status');
        const status = new Map(lines.map((line) => line.split(':\t') as [string, string]));
        for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
          expect(status.get(set), set).toBe('0000000000000000');
        expect(status.get('NoNewPrivs')).toBe('1');
        expect(status.get('Seccomp')).toBe('2');
        expect(status.get('Seccomp_filters')).toBe('1');
        for (const ids of ['Uid', 'Gid'])
          expect(status.get(ids)).toBe(Array.from({ length: 4 }, () => CONTAINER_UID).join('\t'));
        expect(['', String(CONTAINER_UID)]).toContain(status.get('Groups')!.trim());
      });

      it.each(['private', 'host'] as const)('have a read-only root, with a %s network', async (network) => {
        const { lines } = await contained(profile, 'cat /proc/self/mountinfo', network);
        const mounts = lines.map((line) => line.split(' '));
        const paths = (readOnly: boolean) =>
          mounts
            .filter(([, , , , , how]) => how!.split(',').includes('ro') === readOnly)
            .map((fields) => fields[4]!);
        // Devices are files of the host where an ordinary user cannot make them.
        const device = /^\/dev\/(null|zero|full|tty|random|urandom)$/;
        expect(
          paths(false)
            .filter((path) => !device.test(path))
            .sort(),
        ).toEqual(WRITABLE);
        expect(paths(true)).toEqual(
          expect.arrayContaining(['/', '/dev', '/usr', '/sys', REPOSITORY, ...READ_ONLY]),
        );

        const places = ['', '/etc', '/usr', '/run', '/dev', REPOSITORY];
        const tried = await contained(
          profile,
          places.map((place) => `echo x > ${place}/new`).join('\n'),
          network,
        );
        expect(tried.stderr.match(/Read-only file system/g)).toHaveLength(places.length);
        const may = await contained(
          profile,
          `set -e; for d in ${VOLUMES.join(' ')} /dev/shm; do echo x > $d/new; done`,
        );
        expect(may).toMatchObject({ code: 0, stderr: '' });
      });

      it('have processes of their own and a /proc that hides what is of the host', async () => {
        const script = 'cat /proc/keys /proc/timer_list; ls /sys/firmware /proc/acpi; echo $$';
        expect((await contained(profile, script)).lines.filter((line) => !/^(\/.*:)?$/.test(line))).toEqual([
          '1',
        ]);
        expect((await contained(profile, 'ls -d /proc/[0-9]*')).lines.length).toBeLessThan(4);
      });

      it('are let and refused the calls that this profile is known for', async () => {
        const attempts = CALLS.map(([attempt]) => attempt);
        const script = attempts.map((attempt) => `echo "${attempt}: $(${probe} ${attempt} 2>&1)"`).join('\n');
        const expected = CALLS.map(([attempt, answers]) => `${attempt}: ${answers[profile]}`);
        expect((await contained(profile, script)).lines).toEqual(expected);
      });

      it(`can${profile === 'common' ? '' : 'not'} make namespaces, and no fresh /proc in them`, async () => {
        const { lines } = await contained(
          profile,
          'for more in "" --mount-proc; do unshare -Urmpf $more true && echo made || echo refused; done',
        );
        expect(lines).toEqual(profile === 'common' ? ['made', 'refused'] : ['refused', 'refused']);
      });

      it('let openshell doctor find all it needs but namespaces', async () => {
        const words = [...openshell(), 'doctor', '--output', 'json'];
        const inside = await runInContainer({ profile, command: words });
        const outside = await runCommand(words, {
          cwd: scratch.path,
          env: cleanEnvironment(scratch.path, scratch.directory('cache')),
        });
        const [here, there] = [inside, outside].map(({ stdout }) => findingsIn(stdout)) as [
          Findings,
          Findings,
        ];
        expect(here.get('namespaces')).toMatchObject({
          state: expect.not.stringMatching(/^ok$/),
          detail: `${profile === 'common' ? 'proc' : 'clone'} gives EPERM: sandboxes run in the platform tier`,
        });
        expect(here.get('outer filters')).toMatchObject({
          state: 'ok',
          detail: expect.stringContaining('kcmp'),
        });
        for (const name of ['system call listener', 'landlock', 'mediated calls', 'threads'])
          expect(here.get(name), name).toEqual(there.get(name));
      });
    });
  },
);

type Findings = ReadonlyMap<string, Finding>;

const findingsIn = (text: string): Findings =>
  new Map((JSON.parse(text) as { findings: Finding[] }).findings.map((one) => [one.name, one]));
