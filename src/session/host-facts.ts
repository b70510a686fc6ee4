/** What this host is, for a preparation: all but the paths that a policy asks about. */
import { readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import type { Arch } from '../kernel/arch.ts';
import type { HostFacts } from '../plan/facts.ts';
import { readCache, writeCache } from '../probe/cache.ts';
import { callerFacts } from '../probe/caller.ts';
import { findCgroup } from '../probe/cgroup.ts';
import { kernelFacts, type ProbeAnswers, probeKernel } from '../probe/kernel.ts';
import type { PrepareInput } from './prepared.ts';

const HOST_CACHE = 'host';

export function hostFactsFor(
  input: Omit<PrepareInput, 'refusalErrno'>,
): Omit<HostFacts, 'paths' | 'repositories'> {
  const { installation, policy, ownFiles, workdir } = input;
  const own = [...installation.ownFiles, ...ownFiles, ...(policy?.path == null ? [] : [policy.path])];
  return {
    arch: archOf(process.arch),
    kernel: kernelFacts(release(), answersFor(installation.launcher)),
    caller: callerFacts(workdir),
    ownFiles: [...new Set(own)].sort(),
    cgroup: findCgroup(),
  };
}

function archOf(arch: string): Arch {
  if (arch === 'x64') return 'x86_64';
  if (arch === 'arm64') return 'aarch64';
  throw new Error(`openshell runs on x86_64 and aarch64, not on ${arch}`);
}

/** The kernel is asked once per boot and launcher. Without a launcher nothing is known, so nothing works. */
function answersFor(launcher: string | null): ProbeAnswers {
  if (launcher === null) return new Map();
  const { mtimeMs, size } = statSync(launcher);
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const key = JSON.stringify([boot, release(), launcher, mtimeMs, size, process.geteuid!()]);
  const known = readCache(HOST_CACHE, key);
  if (known !== null) return new Map(JSON.parse(known) as [string, string][]);
  const answers = probeKernel(launcher);
  // Only good news lasts: what is missing may be mended without a new boot.
  if (answers.get('namespaces') === 'ok') writeCache(HOST_CACHE, key, JSON.stringify([...answers]));
  return answers;
}
