/** A sandbox without a launcher: a test plays what the launcher says. */
import type { Launcher, LauncherHandlers, WaitingLauncher } from '../../src/launch/launcher.ts';
import { run } from '../../src/session/run.ts';
import { compiled } from '../compile/compiled.ts';

/** @param verdict resolves with the first verdict */
export function pretend(
  play: (handlers: LauncherHandlers, verdict: Promise<void>) => Promise<void>,
): Promise<number> {
  let judged = (): void => {};
  const verdict = new Promise<void>((resolve) => {
    judged = resolve;
  });
  const nothing = (): void => {};
  const launcher: Launcher = {
    signal: nothing,
    verdict: () => judged(),
    keepOnly: nothing,
    datagrams: nothing,
    deliver: nothing,
    resize: nothing,
    kill: nothing,
  };
  const waiting: WaitingLauncher = {
    abandon: async () => {},
    launch: (_plan, _request, handlers) => {
      void play(handlers, verdict);
      return launcher;
    },
  };
  return run({
    plan: compiled(
      'version: 1\nnetwork_policies:\n  a:\n    endpoints: [{host: a.test, port: 80}]\n    binaries: [/**]\n',
    ),
    document: new Uint8Array(),
    launcher: waiting,
    request: { command: ['x'], environment: [], searchPath: '', terminal: false },
    connectTo: [],
    trust: null,
    credentials: null,
    inference: null,
    events: null,
    timeout: null,
    quiet: true,
    degraded: [],
    warn: nothing,
    reload: null,
    guard: null,
  });
}
