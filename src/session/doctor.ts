/** What this host offers, as findings with remedies. Every answer comes from trying, not from version numbers. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { KernelFacts } from '../plan/facts.ts';
import type { Installation } from '../probe/installation.ts';
import { kernelFacts, probeKernel } from '../probe/kernel.ts';

export interface Finding {
  readonly name: string;
  /** `weak`: sandboxes run, with something less; the report of each run says so too. */
  readonly state: 'ok' | 'weak' | 'missing';
  readonly detail: string;
  /** What to do; several lines where commands are to be run. */
  readonly remedy: string | null;
}

const ok = (name: string, detail: string): Finding => ({ name, state: 'ok', detail, remedy: null });

export function examine({ root, launcher }: Installation): Finding[] {
  const findings = [nodeFinding()];
  if (launcher === null) {
    const remedy =
      'install a C compiler (Debian: apt install gcc libc6-dev), then run `openshell doctor --fix`';
    return [...findings, { name: 'launcher', state: 'missing', detail: `not built in ${root}`, remedy }];
  }
  findings.push(ok('launcher', launcher));
  const answers = probeKernel(launcher);
  const facts = kernelFacts(release(), answers);
  return [...findings, ...kernelFindings(facts, answers.get('thread_pidfd') === '1', launcher)];
}

/** What a kernel lacks, and from which version on it has it. */
export function kernelFindings(facts: KernelFacts, threadsNamed: boolean, launcher: string): Finding[] {
  return [
    namespaces(facts, launcher),
    listener(facts.notifyProblem),
    ...memory(facts),
    landlock(facts.landlockAbi),
    facts.waitKillable
      ? ok('mediated calls', 'signals interrupt them cleanly')
      : {
          name: 'mediated calls',
          state: 'weak',
          detail: 'a signal may repeat a mediated call (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is missing)',
          remedy: 'Linux 5.19 has it',
        },
    threadsNamed
      ? ok('threads', 'a thread of the caller can be named (PIDFD_THREAD)')
      : {
          name: 'threads',
          state: 'weak',
          detail: 'only processes can be named; a thread with descriptors of its own is refused the network',
          remedy: 'Linux 6.9 has PIDFD_THREAD',
        },
    ...(facts.outerFilters === null ? [] : [outerFilters(facts.outerFilters)]),
    facts.perUserNamespaceProcessCount
      ? ok('process limit', 'counted for each sandbox')
      : {
          name: 'process limit',
          state: 'weak',
          detail: 'all processes of the user count',
          remedy: 'Linux 5.14 counts them for each user namespace',
        },
  ];
}

/** No loss: what holds beside ours. */
const outerFilters = ({ count, refused }: NonNullable<KernelFacts['outerFilters']>): Finding =>
  ok(
    'outer filters',
    `${count}, as a container has them${refused.length === 0 ? '' : `; refused: ${refused.join(', ')}`}`,
  );

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return ok('node', process.version);
  return {
    name: 'node',
    state: 'missing',
    detail: `${process.version} is too old`,
    remedy: 'openshell needs Node 20.19 or newer',
  };
}

function landlock(abi: number): Finding {
  if (abi === 0) {
    return {
      name: 'landlock',
      state: 'weak',
      detail: 'not available: the private root holds files alone',
      remedy: 'boot with `lsm=landlock,…` (Linux 5.13 and newer), or enable CONFIG_SECURITY_LANDLOCK',
    };
  }
  if (abi < 6)
    return {
      name: 'landlock',
      state: 'weak',
      detail: `ABI ${abi}`,
      remedy: 'Linux 6.12 has ABI 6 with TCP ports, device ioctls and scopes',
    };
  return ok('landlock', `ABI ${abi}`);
}

/** Outside of namespaces of its own the warden is but a parent. */
function memory({ memoryProblem: problem, namespacesProblem }: KernelFacts): Finding[] {
  if (problem === null) return [];
  return [
    {
      name: 'memory of programs',
      state: 'weak',
      detail:
        namespacesProblem === null
          ? `${problem}: in the platform tier, no program has a network`
          : `${problem}: no program has a network, since nobody can read where its calls lead`,
      remedy: 'sudo sysctl -w kernel.yama.ptrace_scope=1',
    },
  ];
}

function listener(problem: string | null): Finding {
  if (problem === null) return ok('system call listener', 'works');
  const busy = problem.includes('EBUSY');
  return {
    name: 'system call listener',
    state: 'missing',
    detail: problem,
    remedy: busy
      ? 'an outer sandbox or container runtime already listens to this process: run openshell outside of it'
      : 'Linux 5.9 or newer with CONFIG_SECCOMP_FILTER; a container must allow seccomp(2)',
  };
}

function namespaces(
  { namespacesProblem: problem, landlockAbi, notifyProblem }: KernelFacts,
  launcher: string,
): Finding {
  if (problem === null)
    return ok(
      'namespaces',
      'user, mount, pid, network, ipc, uts and cgroup namespaces, with /proc and tmpfs inside',
    );
  const withoutThem = landlockAbi > 0 && notifyProblem === null;
  return {
    name: 'namespaces',
    state: withoutThem ? 'weak' : 'missing',
    detail: withoutThem ? `${problem}: sandboxes run in the platform tier` : problem,
    remedy: namespaceRemedy(problem, launcher),
  };
}

/** The setting that forbids it, found by looking at those that are known to. */
function namespaceRemedy(problem: string, launcher: string): string {
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') return apparmorRemedy(launcher);
  if (setting('kernel/unprivileged_userns_clone') === '0')
    return 'sudo sysctl -w kernel.unprivileged_userns_clone=1';
  if (setting('user/max_user_namespaces') === '0') return 'sudo sysctl -w user.max_user_namespaces=10000';
  if (problem.startsWith('proc'))
    return 'a container hides parts of /proc, so no fresh one can be mounted: run it with an unmasked /proc';
  return 'this looks like a container whose seccomp profile forbids user namespaces: allow clone(CLONE_NEWUSER) in it';
}

function setting(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Ubuntu 23.10 and newer: user namespaces only for programs with a profile that says `userns`. */
function apparmorRemedy(launcher: string): string {
  return `AppArmor restricts user namespaces to programs with a profile. As root, write /etc/apparmor.d/openshell:

abi <abi/4.0>,
include <tunables/global>

profile openshell ${launcher} flags=(unconfined) {
  userns,
  include if exists <local/openshell>
}

then run: apparmor_parser -r /etc/apparmor.d/openshell`;
}
