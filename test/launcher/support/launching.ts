/** Starts the real launcher with a document of the test's own and collects what it reports until it has ended. */
import { startLauncher } from '../../../src/launch/launcher.ts';
import type { Report } from '../../../src/launch/reports.ts';
import type { LaunchFailure } from '../../../src/launch/steps.ts';
import type { LaunchRequest } from '../../../src/plan/encode.ts';
import type { Namespaces } from '../../../src/plan/plan.ts';
import { LAUNCHER } from './plans.ts';

export interface Launched {
  readonly reports: readonly Report[];
  /** The first failure that was reported. */
  readonly failure: LaunchFailure | null;
  /** How the launcher ended, when not as it should. */
  readonly problem: string | null;
}

const ALL: Omit<Namespaces, 'hostname'> = {
  user: true,
  mount: true,
  pid: true,
  ipc: true,
  uts: true,
  cgroup: true,
  network: true,
};

export interface LaunchTrial {
  readonly document: Uint8Array;
  readonly request: LaunchRequest;
  readonly withChannel?: boolean;
  /** Made in advance; where the plan asks for others, these are given up. */
  readonly namespaces?: Omit<Namespaces, 'hostname'>;
  /** Sent right behind the launch, before anything was reported. */
  readonly signal?: { readonly number: number; readonly scope: 'main' | 'group' };
}

export function launchAndWait(trial: LaunchTrial): Promise<Launched> {
  const { document, request, withChannel = false, namespaces = ALL, signal } = trial;
  return new Promise((resolve) => {
    const reports: Report[] = [];
    const waiting = startLauncher({ launcher: LAUNCHER, withChannel, namespaces });
    const running = waiting.launch(document, request, {
      report: (report) => reports.push(report),
      listener: () => {},
      ended: (problem) => {
        const failed = reports.find(({ kind }) => kind === 'failed');
        resolve({ reports, failure: failed?.kind === 'failed' ? failed.failure : null, problem });
      },
    });
    if (signal !== undefined) running.signal(signal.number, signal.scope);
  });
}
