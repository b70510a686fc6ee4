/** Signals that openshell gets while a program runs. */
import { constants } from 'node:os';
import type { Launcher } from '../launch/launcher.ts';

/** Between SIGTSTP and SIGSTOP. */
const STOP_GRACE_MS = 50;

/** Signals belong to the program. Those that a terminal sends go to its whole group, as they would without us. */
export function forwardSignals(launcher: Launcher, terminal: boolean): () => void {
  const { signals } = constants;
  const forwarded: [NodeJS.Signals, 'main' | 'group'][] = [
    ['SIGINT', 'group'],
    ['SIGQUIT', 'group'],
    ['SIGHUP', 'group'],
    ['SIGTERM', 'main'],
    ['SIGUSR1', 'main'],
    ['SIGUSR2', 'main'],
    ['SIGALRM', 'main'],
  ];
  const listeners: [NodeJS.Signals, () => void][] = forwarded.map(([name, scope]) => [
    name,
    () => launcher.signal(signals[name], scope),
  ]);
  if (terminal) listeners.push(['SIGWINCH', () => launcher.resize()]);
  let stopping: NodeJS.Timeout | undefined;
  listeners.push([
    'SIGTSTP',
    () => {
      // The first is for programs that put a terminal in order; the kernel drops it where there is no handler, since
      // the session inside has no shell to wait for it (setpgid(2), orphaned process groups).
      launcher.signal(signals.SIGTSTP, 'group');
      clearTimeout(stopping);
      stopping = setTimeout(() => {
        launcher.signal(signals.SIGSTOP, 'group');
        process.kill(process.pid, 'SIGSTOP');
      }, STOP_GRACE_MS);
    },
  ]);
  listeners.push([
    'SIGCONT',
    () => {
      clearTimeout(stopping);
      launcher.signal(signals.SIGCONT, 'group');
    },
  ]);
  for (const [name, listener] of listeners) process.on(name, listener);
  return () => {
    clearTimeout(stopping);
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}
