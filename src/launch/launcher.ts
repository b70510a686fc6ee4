/** One started launcher: frames in and out, sockets that it hands over, its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { encodeRequest, type LaunchRequest } from '../plan/encode.ts';
import { ENUMS } from '../plan/wire.ts';
import { FrameSplitter, frame, wordsFrame } from './frames.ts';
import { decodeReport, type Report } from './reports.ts';

export interface LauncherHandlers {
  report(report: Report): void;
  /** A raw listening socket from inside, as Node's own handle object: pass it to `server.listen`. */
  listener(kind: string, handle: unknown): void;
  /** The launcher and everything in the sandbox has ended. `problem`: it broke its own protocol, or was killed. */
  ended(problem: string | null): void;
}

export interface Launcher {
  signal(signal: number, scope: 'main' | 'group'): void;
  verdict(id: bigint, verdict: { kind: 'local' } | { kind: 'refuse'; errno: number }): void;
  resize(): void;
  kill(): void;
}

export interface LaunchOptions {
  /** Path of the launcher. */
  readonly launcher: string;
  /** The plan as `encodePlan` gives it. */
  readonly plan: Uint8Array;
  readonly request: LaunchRequest;
  /** Whether sockets will be handed over: opens Node's channel to the launcher. */
  readonly withChannel: boolean;
}

/** Starts the launcher and hands it the plan. Whether the program runs is told by reports. */
export function launch(options: LaunchOptions, handlers: LauncherHandlers): Launcher {
  const { launcher, plan, request, withChannel } = options;
  const child = spawn(launcher, ['warden'], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...(withChannel ? (['ipc'] as const) : [])],
    env: {},
  });
  const control = child.stdio[3] as Duplex;
  let problem: string | null = null;
  let done = false;
  const finish = (why: string | null): void => {
    if (done) return;
    done = true;
    handlers.ended(problem ?? why);
  };

  listen(child, control, handlers, (why) => {
    problem ??= why;
    child.kill('SIGKILL');
  });
  child.once('error', (error: NodeJS.ErrnoException) =>
    finish(`cannot start ${launcher}: ${error.code ?? error.message}`),
  );
  // 'close', not 'exit': reports that were sent before the end are read first.
  child.once('close', (_code, signal) =>
    finish(signal === null ? null : `the launcher was killed by ${signal}`),
  );
  control.write(
    frame(
      'launch',
      launchPayload(
        plan,
        encodeRequest(request, (text) => Buffer.from(text, 'utf8')),
      ),
    ),
  );

  const send = (bytes: Buffer): void => {
    if (!control.destroyed && control.writable) control.write(bytes);
  };
  return {
    signal: (signal, scope) => send(wordsFrame('signal', signal, ENUMS.signal_scope[scope])),
    verdict: (id, verdict) =>
      send(
        wordsFrame(
          'verdict',
          Number(id & 0xffff_ffffn),
          Number(id >> 32n),
          ENUMS.verdict[verdict.kind],
          verdict.kind === 'refuse' ? verdict.errno : 0,
        ),
      ),
    resize: () => send(wordsFrame('resize')),
    kill: () => send(wordsFrame('kill')),
  };
}

/** The length of the plan, the plan, and the request behind it; each begins at a multiple of 8. */
function launchPayload(plan: Uint8Array, request: Uint8Array): Uint8Array {
  const start = (8 + plan.length + 7) & ~7;
  const payload = new Uint8Array(start + request.length);
  new DataView(payload.buffer).setUint32(0, plan.length, true);
  payload.set(plan, 8);
  payload.set(request, start);
  return payload;
}

function listen(
  child: ChildProcess,
  control: Duplex,
  handlers: LauncherHandlers,
  broken: (why: string) => void,
): void {
  const frames = new FrameSplitter();
  control.on('data', (chunk: Buffer) => {
    try {
      for (const { type, payload } of frames.push(chunk)) handlers.report(decodeReport(type, payload));
    } catch (error) {
      broken((error as Error).message);
    }
  });
  control.on('error', () => {}); // the end of the child says what there is to say
  child.on('message', (message: unknown, handle: Socket | Server | undefined) => {
    const kind = (message as { kind?: unknown } | null)?.kind;
    if (typeof kind === 'string' && handle !== undefined) handlers.listener(kind, handle);
  });
}
