/** What the kernel lets this user do, found out by doing it: the launcher tries, in a child that then ends. */
import { spawnSync } from 'node:child_process';
import { errnoName } from '../kernel/errno.ts';
import type { KernelFacts } from '../plan/facts.ts';

/** What the launcher's `probe` role prints, by name. */
export type ProbeAnswers = ReadonlyMap<string, string>;

const PROBE_TIMEOUT_MS = 10_000;

/** Throws when the launcher cannot be run or prints something else. */
export function probeKernel(launcher: string): ProbeAnswers {
  const { status, stdout, error } = spawnSync(launcher, ['probe'], {
    encoding: 'utf8',
    env: {},
    timeout: PROBE_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (error !== undefined || status !== 0) {
    throw new Error(
      `the launcher ${launcher} cannot probe this host: ${error?.message ?? `exit code ${status}`}`,
    );
  }
  return new Map(
    stdout
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => line.split('=', 2) as [string, string]),
  );
}

export function kernelFacts(release: string, answers: ProbeAnswers): KernelFacts {
  return {
    release,
    landlockAbi: Number(answers.get('landlock_abi') ?? 0),
    namespacesProblem: problem(answers.get('namespaces')),
    notifyProblem: problem(answers.get('listener')),
    memoryProblem: problem(answers.get('memory')),
    waitKillable: answers.get('wait_killable') === '1',
    perUserNamespaceProcessCount: atLeast(release, 5, 14),
    outerFilters: outerFilters(answers),
    initialPidNamespace: answers.get('initial_pid_namespace') === '1',
  };
}

function outerFilters(answers: ProbeAnswers): KernelFacts['outerFilters'] {
  const count = Number(answers.get('outer_filters') ?? 0);
  if (count === 0) return null;
  return { count, refused: (answers.get('outer_refuses') ?? '').split(', ').filter((name) => name !== '') };
}

/** `ok`, or `step:errno`. */
function problem(answer: string | undefined): string | null {
  if (answer === 'ok') return null;
  const [step, errno] = (answer ?? 'probe:0').split(':');
  return `${step} gives ${errnoName(Number(errno))}`;
}

export function atLeast(release: string, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (!match) return false;
  const [found, below] = [Number(match[1]), Number(match[2])];
  return found > major || (found === major && below >= minor);
}
