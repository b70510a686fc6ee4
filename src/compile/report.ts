/** The enforcement report: what holds each layer on this host, and what does not (INV-06). */
import { formatDuration, formatSize } from '../base/quantity.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { LandlockPlan, LayerReport, Mount, NetworkMode, SandboxLimits, Tier } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';

export interface ReportInput {
  readonly tier: Tier;
  readonly policy: Policy | null;
  readonly facts: HostFacts;
  readonly mounts: readonly Mount[];
  readonly landlock: LandlockPlan;
  readonly network: NetworkMode;
  readonly limits: SandboxLimits;
}

export function enforcementReport(input: ReportInput): LayerReport[] {
  return [
    filesystem(input),
    landlock(input),
    syscalls(input),
    network(input),
    processes(input),
    memory(input),
    cpu(input),
    disk(input),
  ];
}

function filesystem({ tier, mounts, landlock: plan }: ReportInput): LayerReport {
  if (tier === 'platform')
    return {
      layer: 'filesystem',
      state: plan.abi === 0 ? 'off' : 'partial',
      detail:
        plan.abi === 0
          ? 'no private root, and the kernel has no Landlock: nothing holds files'
          : "no private root: Landlock holds files, and the warden their modes, owners, times and attributes; outside, names, sizes and owners can be seen; /proc shows the host's processes",
      required: plan.abi === 0,
    };
  const shown = mounts.filter(({ kind }) => kind === 'bind').length;
  return {
    layer: 'filesystem',
    state: 'enforced',
    detail: `private root with ${shown} paths of the host`,
    required: true,
  };
}

/** What an ABI lacks, in the order of the ABIs (landlock(7)). */
const LANDLOCK_STEPS: readonly (readonly [number, string])[] = [
  [2, 'files cannot be renamed or linked from one directory to another'],
  [3, 'truncation is not held'],
  [4, 'TCP ports are not held by it'],
  [5, 'device ioctls are not held'],
  [6, 'signals and abstract sockets are not held by it'],
];

function landlock({ tier, policy, landlock: plan }: ReportInput): LayerReport {
  const required =
    (tier === 'platform' && plan.abi === 0) || policy?.landlock.compatibility === 'hard_requirement';
  if (plan.abi === 0) {
    return {
      layer: 'landlock',
      state: 'off',
      detail:
        'the kernel has no Landlock (or it is not in the `lsm=` list): the private root holds files alone',
      required,
    };
  }
  const missing = (tier === 'platform' ? PLATFORM_STEPS : LANDLOCK_STEPS)
    .filter(([abi]) => plan.abi < abi)
    .map(([, text]) => text);
  return {
    layer: 'landlock',
    state: missing.length === 0 ? 'enforced' : 'partial',
    detail:
      missing.length === 0
        ? `ABI ${plan.abi}, ${plan.rows.length} rules`
        : `ABI ${plan.abi}: ${missing.join('; ')}`,
    required,
  };
}

/** Without a network namespace and a pid namespace the filter and the warden stand in for what an old ABI lacks. */
const PLATFORM_STEPS: typeof LANDLOCK_STEPS = LANDLOCK_STEPS.map(([abi, text]) =>
  abi === 6 ? [abi, 'signals and abstract sockets are not held by it, but by the warden'] : [abi, text],
);

/** What holds as well, whatever ours says: without a record, since it answers before anybody is asked. */
function outer({ kernel: { outerFilters } }: HostFacts): string {
  if (outerFilters === null) return '';
  const { count, refused } = outerFilters;
  const what = refused.length === 0 ? 'nothing that was tried' : refused.join(', ');
  return `; ${count === 1 ? 'a filter' : `${count} filters`} of the container from before, which ${count === 1 ? 'refuses' : 'refuse'} ${what}`;
}

function syscalls({ facts }: ReportInput): LayerReport {
  const { notifyProblem, waitKillable } = facts.kernel;
  if (notifyProblem !== null)
    return {
      layer: 'syscalls',
      state: 'off',
      detail: `no listener for system calls: ${notifyProblem}`,
      required: true,
    };
  const repeated = waitKillable ? '' : '; a signal may repeat a mediated call (kernel below 5.19)';
  return {
    layer: 'syscalls',
    state: 'enforced',
    detail: `allow list; refusals are recorded${repeated}${outer(facts)}`,
    required: true,
  };
}

function network({ facts, tier, network: mode, policy, landlock: plan }: ReportInput): LayerReport {
  if (tier === 'platform' && mode !== 'allow') {
    const backstop = plan.handledNet === 0 ? '' : '; Landlock allows no TCP port';
    if (facts.kernel.memoryProblem !== null)
      return {
        layer: 'network',
        state: 'partial',
        detail: `no program has a network or a Unix socket: the warden may not read where a call leads (${facts.kernel.memoryProblem})${backstop}`,
        required: false,
      };
    return {
      layer: 'network',
      state: 'partial',
      detail: `no network namespace: sockets are made by the warden and every connect is judged${backstop}; other programs of this host can reach what listens on loopback inside`,
      required: false,
    };
  }
  switch (mode) {
    case 'allow':
      return {
        layer: 'network',
        state: 'off',
        detail: "`--network allow`: the host's own network",
        required: (policy?.network.length ?? 0) > 0,
      };
    case 'block':
      return {
        layer: 'network',
        state: 'enforced',
        detail: 'own network namespace with loopback only',
        required: true,
      };
    case 'proxy':
      return {
        layer: 'network',
        state: 'enforced',
        detail: `own network namespace, one proxy; every connect is judged${plan.handledNet === 0 ? '' : '; Landlock allows no TCP port'}`,
        required: true,
      };
  }
}

function processes({ tier, facts, limits }: ReportInput): LayerReport {
  if (tier === 'platform')
    return {
      layer: 'processes',
      state: 'partial',
      detail:
        limits.processesBy === 'warden'
          ? `no pid namespace: processes outside can be seen; more than ${limits.processes} processes and threads end the sandbox`
          : `no pid namespace: processes outside can be seen; at most ${limits.processes} processes and threads more than the user has at the start`,
      required: false,
    };
  const own = facts.kernel.perUserNamespaceProcessCount;
  return {
    layer: 'processes',
    state: own ? 'enforced' : 'partial',
    detail: own
      ? `own pid namespace, at most ${limits.processes} processes and threads`
      : `own pid namespace; the limit of ${limits.processes} counts all processes of the user (kernel below 5.14)`,
    required: false,
  };
}

function memory({ limits }: ReportInput): LayerReport {
  if (limits.memory === null)
    return { layer: 'memory', state: 'off', detail: 'no limit was asked for', required: false };
  const size = formatSize(limits.memory);
  return limits.holder.kind === 'cgroup'
    ? { layer: 'memory', state: 'enforced', detail: `${size} by cgroup`, required: true }
    : {
        layer: 'memory',
        state: 'partial',
        detail: `${size}, summed five times a second and killed above it (no cgroup was delegated)`,
        required: false,
      };
}

function cpu({ limits }: ReportInput): LayerReport {
  if (limits.cpuTime === null)
    return { layer: 'cpu', state: 'off', detail: 'no limit was asked for', required: false };
  return {
    layer: 'cpu',
    state: 'partial',
    detail: `${formatDuration(limits.cpuTime)} in all, summed five times a second; each process is held by RLIMIT_CPU`,
    required: false,
  };
}

function disk({ tier, limits }: ReportInput): LayerReport {
  if (tier === 'platform')
    return {
      layer: 'disk',
      state: 'off',
      detail: "HOME and TMPDIR are directories of the host's disk, without a limit",
      required: limits.disk !== null,
    };
  const detail =
    limits.disk === null
      ? 'private directories share at most half of the memory'
      : `private directories share ${formatSize(limits.disk)}`;
  return { layer: 'disk', state: 'enforced', detail, required: limits.disk !== null };
}
