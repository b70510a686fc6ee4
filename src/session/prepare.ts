/** From policy text and the operator's request to a plan: reads, asks the host, compiles, and remembers. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { type Issue, renderIssue } from '../base/source.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { CompileProblem, OperatorRequest } from '../compile/input.ts';
import type { Arch } from '../kernel/arch.ts';
import type { CallerFacts, HostFacts, PathFacts } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';
import type { Policy } from '../policy/policy.ts';
import { readCache, writeCache } from '../probe/cache.ts';
import { callerFacts } from '../probe/caller.ts';
import { cacheDirectory, type Installation } from '../probe/installation.ts';
import { kernelFacts, type ProbeAnswers, probeKernel } from '../probe/kernel.ts';
import { lookAt } from '../probe/paths.ts';
import type { PolicyFile } from './policy-file.ts';

export interface PrepareInput {
  readonly policy: PolicyFile | null;
  readonly operator: OperatorRequest;
  readonly workdir: string;
  readonly installation: Installation;
  /** Further canonical paths that the workload must never write: event and credential files. */
  readonly ownFiles: readonly string[];
  readonly refusalErrno?: number;
}

export interface Prepared {
  readonly plan: Plan;
  /** Warnings about the policy, rendered. */
  readonly warnings: readonly string[];
}

export interface PrepareFailure {
  /** Complete text for standard error: complaints with carets, or problems with hints. */
  readonly lines: readonly string[];
}

/** What one preparation came to, with the answers of the host that it rests on. */
interface Remembered {
  readonly asked: readonly string[];
  readonly paths: string;
  readonly prepared: Prepared;
}

/** Bumped whenever equal inputs may give another plan. The version of the package is part of the key too. */
const CACHE_FORMAT = 1;

export async function prepare(input: PrepareInput): Promise<Result<Prepared, PrepareFailure>> {
  const { installation, policy } = input;
  if (installation.launcher === null) {
    return err({ lines: ['openshell: the launcher is not built: run `openshell doctor --fix` (it needs a C compiler)'] });
  }
  ensureCacheDirectory();
  const host = hostFacts(input, installation.launcher);
  const key = JSON.stringify([CACHE_FORMAT, bundleStamp(installation), policy?.name, policy?.text, input.operator, host, input.refusalErrno]);
  const remembered = recall(key);
  if (remembered !== null) return ok(remembered);

  const parsed = await parse(policy);
  if (!parsed.ok) return parsed;
  const { compile, pathsOfInterest, sha256 } = await import('./cold.ts');
  const asked = pathsOfInterest({ policy: parsed.value.policy, operator: input.operator }, host.caller, host.ownFiles);
  const paths = lookAt(asked);
  const source = { file: policy?.name ?? null, sha256: sha256(policy?.text ?? '') };
  const hook = input.refusalErrno === undefined ? {} : { refusalErrno: input.refusalErrno };
  const compiled = compile({ policy: parsed.value.policy, source, operator: input.operator, facts: { ...host, paths }, ...hook });
  if (!compiled.ok) return err({ lines: compiled.error.map((problem) => renderProblem(problem, policy)) });
  const prepared = { plan: compiled.value, warnings: parsed.value.warnings };
  writeCache('plans', key, JSON.stringify({ asked, paths: pathsText(paths), prepared } satisfies Remembered));
  return ok(prepared);
}

/** A plan made before, if the host still answers every question in the same way. */
function recall(key: string): Prepared | null {
  const text = readCache('plans', key);
  if (text === null) return null;
  try {
    const { asked, paths, prepared } = JSON.parse(text) as Remembered;
    return pathsText(lookAt(asked)) === paths ? prepared : null;
  } catch {
    return null;
  }
}

const pathsText = ({ byPath, rootEntries }: PathFacts): string => JSON.stringify([[...byPath].sort(([a], [b]) => (a < b ? -1 : 1)), rootEntries]);

async function parse(file: PolicyFile | null): Promise<Result<{ policy: Policy | null; warnings: readonly string[] }, PrepareFailure>> {
  if (file === null) return ok({ policy: null, warnings: [] });
  const { parsePolicy } = await import('./cold.ts');
  const { policy, issues } = parsePolicy(file.text);
  const render = (issue: Issue): string => renderIssue(issue, file.name, file.text);
  if (policy === null) return err({ lines: issues.filter(({ severity }) => severity === 'error').map(render) });
  return ok({ policy, warnings: issues.filter(({ severity }) => severity === 'warning').map(render) });
}

function renderProblem({ message, hint, line }: CompileProblem, policy: PolicyFile | null): string {
  const place = line === null || policy === null ? 'openshell' : `${policy.name}:${line}`;
  return `${place}: ${message}${hint === null ? '' : `\n  hint: ${hint}`}`;
}

/** Changes whenever the program does. */
function bundleStamp({ root }: Installation): string {
  const { mtimeMs, size } = statSync(process.argv[1]!);
  return `${root} ${mtimeMs} ${size}`;
}

/** Made before the first run, so that it is protected from it. */
function ensureCacheDirectory(): void {
  try {
    mkdirSync(cacheDirectory(), { recursive: true, mode: 0o700 });
  } catch {}
}

function hostFacts(input: PrepareInput, launcher: string): Omit<HostFacts, 'paths'> {
  const caller: CallerFacts = callerFacts(input.workdir);
  const own = [...input.installation.ownFiles, ...input.ownFiles, ...(input.policy?.path == null ? [] : [input.policy.path])];
  return {
    arch: archOf(process.arch),
    kernel: kernelFacts(release(), answersFor(launcher)),
    caller,
    ownFiles: [...new Set(own)].sort(),
    cgroup: { delegated: false, detail: 'not looked for' },
  };
}

function archOf(arch: string): Arch {
  if (arch === 'x64') return 'x86_64';
  if (arch === 'arm64') return 'aarch64';
  throw new Error(`openshell runs on x86_64 and aarch64, not on ${arch}`);
}

/** The kernel is asked once per boot and launcher. */
function answersFor(launcher: string): ProbeAnswers {
  const { mtimeMs, size } = statSync(launcher);
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const key = JSON.stringify([CACHE_FORMAT, boot, release(), launcher, mtimeMs, size, process.geteuid!()]);
  const known = readCache('host', key);
  if (known !== null) return new Map(JSON.parse(known) as [string, string][]);
  const answers = probeKernel(launcher);
  if (answers.get('namespaces') === 'ok') writeCache('host', key, JSON.stringify([...answers]));
  return answers;
}
