/** One started launcher: frames in and out, sockets that it hands over, its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { encodeRequest, type LaunchRequest, namespaceBits } from '../plan/encode.ts';
import type { Namespaces } from '../plan/plan.ts';
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

/** What happens to a connect(2) that waits. */
export type Verdict =
  /** It is made on the caller's own socket. */
  | { readonly kind: 'local' /** For datagrams: as below. */; readonly ttlMs?: number }
  | { readonly kind: 'refuse'; readonly errno: number }
  /** It is made to that address in place of the one asked for, and the local address is told (a `peer` report). */
  | { readonly kind: 'redirect'; readonly address: Uint8Array; readonly port: number }
  /** A socket of the host, connected to this address, takes the place of the caller's. */
  | {
      readonly kind: 'direct';
      /** 4 or 16 bytes, network order. */
      readonly address: Uint8Array;
      readonly port: number;
      /** Named by the reports of later uses, and by `keepOnly`; 0: the connection is part of the sandbox itself. */
      readonly token: number;
      /** How long the warden may give the same answer to the same callers; 0: not at all. */
      readonly ttlMs: number;
    };

export interface Launcher {
  signal(signal: number, scope: 'main' | 'group'): void;
  verdict(id: bigint, verdict: Verdict): void;
  /**
   * Another policy holds: nothing that the warden remembers counts any more, and connections by other tokens than these,
   * at most MAX_KEPT, are ended. Answered by the report `kept`.
   */
  keepOnly(generation: number, tokens: readonly number[]): void;
  /** Asks for a UDP socket bound inside: it comes as the listener `datagrams-NUMBER`, or not at all. */
  datagrams(number: number, address: Uint8Array, port: number): void;
  /** A datagram for the socket that the warden knows by that port, as from `address` and `port`. */
  deliver(localPort: number, address: Uint8Array, port: number, payload: Uint8Array): void;
  resize(): void;
  kill(): void;
}

/** A launcher that is starting and waits to be told what to run. */
export interface WaitingLauncher {
  /** @param plan as `encodePlan` gives it */
  launch(plan: Uint8Array, request: LaunchRequest, handlers: LauncherHandlers): Launcher;
  /** Nothing more will be run. Resolves when the launcher has ended: nobody else waits for it. */
  abandon(): Promise<void>;
}

export interface StartOptions {
  /** Path of the launcher. */
  readonly launcher: string;
  /** Whether sockets may be handed over: opens Node's channel to the launcher. */
  readonly withChannel: boolean;
  /** The namespaces that the plan will most likely ask for, made in advance; null: none. */
  readonly namespaces: Omit<Namespaces, 'hostname'> | null;
}

/** Starts the launcher before there is a plan, so that both are made at the same time. */
export function startLauncher({ launcher, withChannel, namespaces }: StartOptions): WaitingLauncher {
  const child = spawn(launcher, ['warden'], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...(withChannel ? (['ipc'] as const) : [])],
    env: {},
  });
  const control = child.stdio[3] as Duplex;
  control.on('error', () => {}); // the end of the child says what there is to say
  let failure: string | null = null;
  let fail = (why: string): void => {
    failure = why;
  };
  child.once('error', (error: NodeJS.ErrnoException) =>
    fail(`cannot start ${launcher}: ${error.code ?? error.message}`),
  );
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  if (namespaces !== null) control.write(wordsFrame('prepare', namespaceBits(namespaces)));
  return {
    abandon: () => {
      control.destroy();
      return closed;
    },
    launch: (plan, request, handlers) => {
      const started = new Started(child, control, handlers);
      if (failure !== null) setImmediate(() => started.finish(failure));
      fail = (why) => started.finish(why);
      control.write(
        frame(
          'launch',
          launchPayload(
            plan,
            encodeRequest(request, (text) => Buffer.from(text, 'utf8')),
          ),
        ),
      );
      return started;
    },
  };
}

class Started implements Launcher {
  readonly #control: Duplex;
  readonly #handlers: LauncherHandlers;
  #problem: string | null = null;
  #done = false;

  constructor(child: ChildProcess, control: Duplex, handlers: LauncherHandlers) {
    this.#control = control;
    this.#handlers = handlers;
    listen(child, control, handlers, (why) => {
      this.#problem ??= why;
      child.kill('SIGKILL');
    });
    // 'close', not 'exit': reports that were sent before the end are read first.
    child.once('close', (_code, signal) =>
      this.finish(signal === null ? null : `the launcher was killed by ${signal}`),
    );
  }

  finish(why: string | null): void {
    if (this.#done) return;
    this.#done = true;
    this.#handlers.ended(this.#problem ?? why);
  }

  signal(signal: number, scope: 'main' | 'group'): void {
    this.#send(wordsFrame('signal', signal, ENUMS.signal_scope[scope]));
  }

  verdict(id: bigint, verdict: Verdict): void {
    this.#send(frame('verdict', encodeVerdict(id, verdict)));
  }

  keepOnly(generation: number, tokens: readonly number[]): void {
    this.#send(wordsFrame('keep', generation, ...tokens));
  }

  /** `u32 number, u32 port, u32 address length, address[16]` */
  datagrams(number: number, address: Uint8Array, port: number): void {
    const payload = Buffer.alloc(28);
    payload.writeUInt32LE(number, 0);
    payload.writeUInt32LE(port, 4);
    payload.writeUInt32LE(address.length, 8);
    payload.set(address, 12);
    this.#send(frame('datagrams', payload));
  }

  /** `u32 local port, u32 port, u32 address length, address[16], payload` */
  deliver(localPort: number, address: Uint8Array, port: number, payload: Uint8Array): void {
    const head = Buffer.alloc(28);
    head.writeUInt32LE(localPort, 0);
    head.writeUInt32LE(port, 4);
    head.writeUInt32LE(address.length, 8);
    head.set(address, 12);
    this.#send(frame('deliver', Buffer.concat([head, payload])));
  }

  resize(): void {
    this.#send(wordsFrame('resize'));
  }

  kill(): void {
    this.#send(wordsFrame('kill'));
  }

  #send(bytes: Buffer): void {
    if (!this.#control.destroyed && this.#control.writable) this.#control.write(bytes);
  }
}

/** `u64 id, u32 verdict, u32 errno, u32 token, u32 ttl_ms, u32 port, u32 address length, address[16]` */
function encodeVerdict(id: bigint, verdict: Verdict): Uint8Array {
  const payload = Buffer.alloc(48);
  payload.writeBigUInt64LE(id, 0);
  payload.writeUInt32LE(ENUMS.verdict[verdict.kind], 8);
  if (verdict.kind === 'refuse') payload.writeUInt32LE(verdict.errno, 12);
  if (verdict.kind === 'local') payload.writeUInt32LE(verdict.ttlMs ?? 0, 20);
  if (verdict.kind !== 'direct' && verdict.kind !== 'redirect') return payload;
  if (verdict.kind === 'direct') {
    payload.writeUInt32LE(verdict.token, 16);
    payload.writeUInt32LE(verdict.ttlMs, 20);
  }
  payload.writeUInt32LE(verdict.port, 24);
  payload.writeUInt32LE(verdict.address.length, 28);
  payload.set(verdict.address, 32);
  return payload;
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
      control.destroy(); // nothing behind it can be understood
      broken((error as Error).message);
    }
  });
  child.on('message', (message: unknown, handle: Socket | Server | undefined) => {
    const kind = (message as { kind?: unknown } | null)?.kind;
    if (typeof kind === 'string' && handle !== undefined) handlers.listener(kind, handle);
  });
}
