/** Resource limits: rlimits that each process carries, and sums that a cgroup or the warden holds. */
import { RLIMIT, type RlimitName } from '../kernel/rlimit.ts';
import type { HostFacts } from '../plan/facts.ts';
import type { Rlimit, SandboxLimits, Tier } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';

export const DEFAULT_PROCESSES = 512;
const DEFAULT_OPEN_FILES = 65_536;
/** Seconds between the signal that a process can catch and the one that it cannot (getrlimit(2), RLIMIT_CPU). */
const CPU_GRACE = 5;

export function compileLimits(
  policy: Policy | null,
  facts: HostFacts,
  tier: Tier,
): { rlimits: Rlimit[]; limits: SandboxLimits } {
  const limits = policy?.limits;
  const processes = limits?.processes?.value ?? DEFAULT_PROCESSES;
  // In a container without a user namespace it counts what the user has on the whole machine, which cannot be seen.
  const processesBy = tier === 'platform' && !facts.kernel.initialPidNamespace ? 'warden' : 'rlimit';
  const openFiles = limits?.openFiles?.value ?? DEFAULT_OPEN_FILES;
  const cpuTime = limits?.cpuTime?.value ?? null;
  const rlimits = [
    ...(processesBy === 'warden' ? [] : [processLimit(processes, tier)]),
    row('RLIMIT_NOFILE', openFiles, openFiles),
    row('RLIMIT_CORE', 0, 0),
  ];
  if (cpuTime !== null) {
    // One process alone must not use more than all may; the sum is held elsewhere.
    const seconds = Math.max(1, Math.ceil(cpuTime / 1000));
    rlimits.push(row('RLIMIT_CPU', seconds, seconds + CPU_GRACE));
  }
  return {
    rlimits,
    limits: {
      processes,
      processesBy,
      memory: limits?.memory?.value ?? null,
      cpuTime,
      wallTime: limits?.wallTime?.value ?? null,
      lines: {
        processes: limits?.processes?.span.line ?? null,
        memory: limits?.memory?.span.line ?? null,
        cpuTime: limits?.cpuTime?.span.line ?? null,
        wallTime: limits?.wallTime?.span.line ?? null,
      },
      disk: limits?.disk?.value ?? null,
      holder:
        facts.cgroup.parent === null ? { kind: 'warden' } : { kind: 'cgroup', parent: facts.cgroup.parent },
    },
  };
}

const processLimit = (processes: number, tier: Tier): Rlimit => {
  const limit = row('RLIMIT_NPROC', processes, processes);
  return tier === 'platform' ? { ...limit, above: true } : limit;
};

const row = (name: RlimitName, soft: number, hard: number): Rlimit => ({
  resource: RLIMIT[name],
  name,
  soft,
  hard,
});
