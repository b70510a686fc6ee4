/** From policy text and the operator's request to a plan: asks the host, compiles, and remembers. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { err, ok, type Result } from '../base/result.ts';
import type { Arch } from '../kernel/arch.ts';
import { readCache, writeCache } from '../probe/cache.ts';
import { callerFacts } from '../probe/caller.ts';
import { cacheDirectory, type Installation } from '../probe/installation.ts';
import { kernelFacts, type ProbeAnswers, probeKernel } from '../probe/kernel.ts';
import { looksTheSame, type Observations } from '../probe/paths.ts';
import type { HostFactsWithoutPaths, Prepared, PrepareFailure, PrepareInput } from './prepared.ts';

/** What one preparation came to, with what was seen of the host then. */
interface Remembered {
  readonly observations: Observations;
  readonly prepared: Prepared;
}

/** Bumped whenever the form of what is kept changes. */
const CACHE_FORMAT = 3;

export async function prepare(input: PrepareInput): Promise<Result<Prepared, PrepareFailure>> {
  const { installation, policy } = input;
  if (installation.launcher === null) return err({ lines: [NO_LAUNCHER] });
  const host = hostFactsFor(input);
  const key = JSON.stringify([
    CACHE_FORMAT,
    bundleStamp(installation),
    policy?.name,
    policy?.text,
    input.operator,
    host,
    ownCgroup(),
    input.refusalErrno,
  ]);
  const remembered = recall(key);
  if (remembered !== null) return ok(remembered);
  const { prepareAnew } = await import('./prepare.late.ts');
  const prepared = await prepareAnew(input, host);
  if (!prepared.ok) return prepared;
  const { observations, ...rest } = prepared.value;
  writeCache('plans', key, JSON.stringify({ observations, prepared: rest } satisfies Remembered));
  return ok(rest);
}

export const NO_LAUNCHER =
  'openshell: the launcher is not built: run `openshell doctor --fix` (it needs a C compiler)';

/** A plan made before, if the host still answers every question in the same way. */
function recall(key: string): Prepared | null {
  const text = readCache('plans', key);
  if (text === null) return null;
  try {
    const { observations, prepared } = JSON.parse(text) as Remembered;
    return looksTheSame(observations) ? prepared : null;
  } catch {
    return null;
  }
}

/** Changes whenever the program does. */
function bundleStamp({ root }: Installation): string {
  const { mtimeMs, size } = statSync(process.argv[1]!);
  return `${root} ${mtimeMs} ${size}`;
}

export function hostFactsFor(input: Omit<PrepareInput, 'refusalErrno'>): HostFactsWithoutPaths {
  ensureCacheDirectory();
  const own = [
    ...input.installation.ownFiles,
    ...input.ownFiles,
    ...(input.policy?.path == null ? [] : [input.policy.path]),
  ];
  return {
    arch: archOf(process.arch),
    kernel: kernelFacts(release(), answersFor(input.installation.launcher)),
    caller: callerFacts(input.workdir),
    ownFiles: [...new Set(own)].sort(),
  };
}

/** Whether limits can be held by a cgroup depends on it. */
const ownCgroup = (): string => readFileSync('/proc/self/cgroup', 'utf8');

/** Made before the first run, so that it is protected from it. */
function ensureCacheDirectory(): void {
  try {
    mkdirSync(cacheDirectory(), { recursive: true, mode: 0o700 });
  } catch {}
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
  const key = JSON.stringify([CACHE_FORMAT, boot, release(), launcher, mtimeMs, size, process.geteuid!()]);
  const known = readCache('host', key);
  if (known !== null) return new Map(JSON.parse(known) as [string, string][]);
  const answers = probeKernel(launcher);
  // Only good news lasts: what is missing may be mended without a new boot.
  if (answers.get('namespaces') === 'ok') writeCache('host', key, JSON.stringify([...answers]));
  return answers;
}
