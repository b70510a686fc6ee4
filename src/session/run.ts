/** The life of one sandbox: start, events, signals, limits, end. */
import { constants } from 'node:os';
import type { ConnectTo } from '../egress/connect-to.ts';
import { DnsServer } from '../egress/dns-server.ts';
import type { Draft, OpenshellEvent, RuleReference } from '../event/event.ts';
import type { Guard } from '../guard/guard.ts';
import type { GivenRoutes } from '../inference/given.ts';
import type { GivenCredentials } from '../inject/make-injector.ts';
import type { Cgroup } from '../launch/cgroup.ts';
import type { Launcher, WaitingLauncher } from '../launch/launcher.ts';
import type { CountedLimit, Report } from '../launch/reports.ts';
import { openEvents } from '../observe/file.ts';
import { letGo } from '../observe/let-go.ts';
import { DenialPrinter } from '../observe/printer.ts';
import { EventSink, type Receiver } from '../observe/sink.ts';
import type { LaunchRequest } from '../plan/encode.ts';
import type { EgressTable, Plan } from '../plan/plan.ts';

import { EXIT } from './exit.ts';
import { LivePolicy, type ReloadWish } from './live-policy.ts';
import { startTimer } from './long-timer.ts';
import type { Ended, Mediation } from './mediation.ts';
import { forwardSignals } from './signals.ts';
import { limitRule, type TimeLimit, timeLimit } from './time-limit.ts';
import type { Trust } from './trust.ts';

export interface RunOptions {
  readonly plan: Plan;
  /** The plan as the launcher reads it. */
  readonly document: Uint8Array;
  readonly launcher: WaitingLauncher;
  readonly request: Omit<LaunchRequest, 'cgroup'>;
  readonly connectTo: readonly ConnectTo[];
  /** Null: no requests are looked at. */
  readonly trust: Trust | null;
  /** Null: none was given. */
  readonly credentials: GivenCredentials | null;
  /** Null: no routes were given. */
  readonly inference: GivenRoutes | null;
  /** File or `-`; null: none. */
  readonly events: string | null;
  /** Milliseconds; null: none. */
  readonly timeout: number | null;
  readonly quiet: boolean;
  readonly degraded: readonly string[];
  readonly warn: (line: string) => void;
  /** Null: the policy is none that could be read again. */
  readonly reload: ReloadWish | null;
  /** Null: the policy alone decides. */
  readonly guard: Guard | null;
}

/** Between SIGTERM and SIGKILL after a time-out. */
const GRACE_MS = 5000;
const CPU_CHECK_MS = 200;
/** The latest lines about changes of the policy that wait for the terminal. */
const MAX_AFTERWARDS = 50;
type Failure = Extract<Report, { kind: 'failed' }>['failure'];

/** Runs the program and returns the exit code of `openshell run`. */
export async function run(options: RunOptions): Promise<number> {
  const cgroup = await cgroupFor(options.plan);
  return new Promise((resolve) => {
    new Run(options, cgroup, resolve).start();
  });
}

async function cgroupFor({ limits }: Plan): Promise<Cgroup | null> {
  if (limits.holder.kind !== 'cgroup' || (limits.memory === null && limits.cpuTime === null)) return null;
  const { Cgroup } = await import('./refusal.late.ts');
  return new Cgroup(limits.holder.parent, limits);
}

class Run {
  readonly #options: RunOptions;
  readonly #finish: (code: number) => void;
  readonly #cgroup: Cgroup | null;
  readonly #id = sandboxId();
  readonly #sink: EventSink;
  readonly #printer: DenialPrinter;
  readonly #stops: (() => void)[] = [];
  #launcher: Launcher | null = null;
  #mediation: Promise<Mediation> | null = null;
  /** The rules that hold now. */
  #egress: EgressTable;
  /** Null: it stays as it is. */
  readonly #livePolicy: LivePolicy | null;
  /** What is said when the program has given the terminal back. */
  readonly #afterwards: string[] = [];
  #pending: Promise<void> = Promise.resolve();
  #proxyHandle: unknown = null;
  #dns: DnsServer | null = null;
  #failure: Failure | null = null;
  #exit: { code: number; signal: number } | null = null;
  #timedOut = false;
  #limited = false;
  #unlisten: () => void = () => {};

  constructor(options: RunOptions, cgroup: Cgroup | null, finish: (code: number) => void) {
    this.#options = options;
    this.#egress = options.plan.egress;
    this.#cgroup = cgroup;
    this.#finish = finish;
    this.#printer = new DenialPrinter({
      policyFile: options.plan.policy.file,
      afterwards: options.request.terminal,
      isQuiet: (event) => this.#isQuiet(event),
      write: options.warn,
    });
    const { reload, plan, quiet } = options;
    this.#livePolicy =
      reload === null
        ? null
        : new LivePolicy(reload, this.#id, {
            plan,
            use: (egress) => this.#usePolicy(egress),
            emit: (draft) => this.#sink.emit(draft),
            tell: (line, kind) => {
              if (kind === 'problem' || !quiet) this.#tell(line);
            },
          });
    const receivers: Receiver[] = [];
    if (options.events !== null) receivers.push(openEvents(options.events));
    if (!options.quiet && options.events !== '-') receivers.push(this.#printer);
    this.#sink = new EventSink(this.#id, receivers);
  }

  start(): void {
    const { plan, document, launcher, request, timeout } = this.#options;
    const wanted = { ...request, cgroup: this.#cgroup?.path ?? null };
    this.#launcher = launcher.launch(document, wanted, {
      report: (report) => this.#hear(report),
      listener: (kind, handle) => this.#takeListener(kind, handle),
      ended: (problem) => void this.#end(problem),
    });
    if (plan.egress.mode === 'proxy' && plan.egress.pin === 'start')
      this.#later(async () => void (await this.#mediate()));
    this.#unlisten = forwardSignals(this.#launcher, request.terminal);
    const limit = timeLimit(timeout, plan.limits);
    if (limit !== null) this.#after(limit.ms, () => this.#timeOut(limit));
    if (this.#cgroup !== null && plan.limits.cpuTime !== null)
      this.#watchCpu(this.#cgroup, plan.limits.cpuTime);
  }

  #after(ms: number, work: () => void): void {
    this.#stops.push(startTimer(ms, work));
  }

  #watchCpu(cgroup: Cgroup, limitMs: number): void {
    const timer = setInterval(() => {
      if (cgroup.cpuMs <= limitMs) return;
      clearInterval(timer);
      this.#limitReached('cpu', Math.round(cgroup.cpuMs));
      this.#launcher?.kill();
    }, CPU_CHECK_MS);
    this.#stops.push(() => clearInterval(timer));
  }

  #limitReached(limit: CountedLimit, value: number): void {
    this.#limited = true;
    const { lines } = this.#options.plan.limits;
    const drafts: Readonly<Record<CountedLimit, () => Draft>> = {
      memory: () => limitDraft('memory_limit', limit, value, limitRule('memory', lines.memory)),
      cpu: () => limitDraft('cpu_limit', limit, value, limitRule('cpu_time', lines.cpuTime)),
      processes: () => limitDraft('process_limit', limit, value, limitRule('processes', lines.processes)),
    };
    this.#sink.emit(drafts[limit]());
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case 'started':
        this.#started();
        break;
      case 'failed':
        this.#failure ??= report.failure;
        break;
      case 'exited':
        this.#exit ??= { code: report.code, signal: report.signal };
        break;
      case 'denied':
        this.#later(async () => {
          const { syscallDenial } = await import('./refusal.late.ts');
          this.#sink.emit(syscallDenial(report, this.#options.plan));
        });
        break;
      case 'unix':
        this.#later(async () => {
          const { unixDenial } = await import('./refusal.late.ts');
          this.#sink.emit(unixDenial(report));
        });
        break;
      case 'open':
        this.#later(async () => void (await this.#mediate()).open(report));
        break;
      case 'peer':
        this.#later(async () => (await this.#mediate()).peer(report));
        break;
      case 'reused':
        this.#later(async () => (await this.#mediate()).reused(report));
        break;
      case 'kept':
        // What the warden cannot end ends with the sandbox.
        if (report.surviving > 0) this.#limited = true;
        this.#later(async () => (await this.#mediate()).kept(report));
        break;
      case 'sent':
        this.#later(async () => (await this.#mediate()).sent(report));
        break;
      case 'limit':
        this.#limitReached(report.limit, Number(report.value));
        break;
    }
  }

  #started(): void {
    const { plan, request, degraded } = this.#options;
    if (!request.terminal) leaveToProgram();
    this.#sink.emit({
      ...NEUTRAL,
      type: 'start',
      reason: 'started',
      subject: {
        kind: 'run',
        command: request.command,
        tier: plan.tier,
        network: plan.egress.mode,
        report: plan.report,
      },
    });
    for (const detail of degraded) {
      this.#sink.emit({
        ...NEUTRAL,
        type: 'degraded',
        reason: 'degraded',
        subject: { kind: 'degraded', detail },
      });
    }
    this.#livePolicy?.start();
  }

  async #usePolicy(egress: EgressTable): Promise<Ended> {
    this.#egress = egress;
    // Without it nothing was allowed yet.
    return (await this.#mediation)?.usePolicy(egress) ?? { closed: 0, killed: 0, surviving: 0 };
  }

  /** A program that has the terminal is not written over. */
  #tell(line: string): void {
    if (!this.#options.request.terminal) this.#options.warn(line);
    else if (this.#afterwards.push(line) > MAX_AFTERWARDS) this.#afterwards.shift();
  }

  /** For what most short commands never need, and what is therefore loaded at its first use. In the order of the reports. */
  #later(work: () => Promise<void>): void {
    this.#pending = this.#pending.then(work);
  }

  /** Sockets from inside. Nobody connects to the proxy before an `open` report has said so; names are asked for unannounced. */
  #takeListener(kind: string, handle: unknown): void {
    if (kind === 'proxy') {
      this.#proxyHandle = handle;
      void this.#mediation?.then((mediation) => this.#serveProxy(mediation));
      return;
    }
    const number = /^datagrams-(\d+)$/.exec(kind)?.[1];
    if (number !== undefined) {
      void this.#mediate().then((mediation) => mediation.takeSocket(Number(number), handle));
      return;
    }
    this.#dns ??= new DnsServer(async (message, transport) =>
      (await this.#mediate()).answerQuery(message, transport),
    );
    if (kind === 'dns-udp') this.#dns.serveUdp(handle);
    else if (kind === 'dns-tcp') this.#dns.serveTcp(handle);
  }

  #mediate(): Promise<Mediation> {
    this.#mediation ??= this.#startMediation();
    return this.#mediation;
  }

  async #startMediation(): Promise<Mediation> {
    const { Mediation } = await import('./network.late.ts');
    const mediation = new Mediation({
      plan: this.#options.plan,
      egress: this.#egress,
      guard: this.#options.guard,
      launcher: this.#launcher!,
      connectTo: this.#options.connectTo,
      trust: this.#options.trust,
      credentials: this.#options.credentials,
      inference: this.#options.inference,
      emit: (draft) => this.#sink.emit(draft),
    });
    this.#serveProxy(mediation);
    return mediation;
  }

  /** Once, when there are both: sockets and reports come by different ways, in either order. */
  #serveProxy(mediation: Mediation): void {
    if (this.#proxyHandle !== null) mediation.serve(this.#proxyHandle);
    this.#proxyHandle = null;
  }

  #timeOut({ ms, rule }: TimeLimit): void {
    this.#timedOut = true;
    this.#sink.emit(limitDraft('wall_time_limit', 'wall_time', ms, rule));
    this.#launcher?.signal(constants.signals.SIGTERM, 'group');
    this.#after(GRACE_MS, () => this.#launcher?.kill());
  }

  async #end(problem: string | null): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#unlisten();
    await this.#pending;
    if (this.#cgroup?.outOfMemory === true)
      this.#limitReached('memory', this.#options.plan.limits.memory ?? 0);
    this.#cgroup?.remove();
    this.#dns?.close();
    await (await this.#mediation)?.close();
    this.#livePolicy?.stop();
    this.#sink.flush();
    const code = this.#failure === null ? this.#exitCode(problem) : await this.#failed(this.#failure);
    const signal = this.#exit !== null && this.#exit.signal !== 0 ? signalName(this.#exit.signal) : null;
    this.#sink.emit({
      ...NEUTRAL,
      type: 'exit',
      reason: 'exited',
      subject: { kind: 'exit', code, signal, denials: this.#sink.denials },
    });
    for (const line of this.#afterwards) this.#options.warn(line);
    if (!this.#options.quiet) this.#printer.finish();
    this.#finish(code);
  }

  #exitCode(problem: string | null): number {
    if (this.#timedOut) return EXIT.timeout;
    if (this.#exit !== null)
      return this.#exit.signal === 0 ? this.#exit.code : EXIT.signal + this.#exit.signal;
    if (this.#limited) return EXIT.signal + constants.signals.SIGKILL;
    this.#options.warn(`openshell: ${problem ?? 'the sandbox ended without saying how its program ended'}`);
    return EXIT.failed;
  }

  async #failed(failure: Failure): Promise<number> {
    const { describeFailure } = await import('./refusal.late.ts');
    const { message, hint, code } = describeFailure(
      failure,
      this.#options.plan,
      this.#options.request.command[0],
    );
    this.#options.warn(`openshell: ${message}${hint === null ? '' : `\n  hint: ${hint}`}`);
    return code;
  }

  #isQuiet({ rule, layer }: OpenshellEvent): boolean {
    if (layer !== 'syscalls' || rule === null) return false;
    return this.#options.plan.seccomp.rules.some(({ name, quiet }) => name === rule.policy && quiet);
  }
}

/** The program has its own: the other end of a pipe must see when the program closes it. */
function leaveToProgram(): void {
  letGo(0);
  letGo(1);
}

const NEUTRAL = { layer: 'session', action: 'allow', rule: null, process: null, count: 1 } as const;

function limitDraft(
  reason: 'memory_limit' | 'cpu_limit' | 'wall_time_limit' | 'process_limit',
  limit: string,
  value: number,
  rule: RuleReference | null,
): Draft {
  return {
    type: 'denial',
    layer: 'limits',
    action: 'deny',
    reason,
    rule,
    subject: { kind: 'limit', limit, value },
    process: null,
    count: 1,
  };
}

/** Not a secret: it only tells the sandboxes of one log apart. */
const sandboxId = (): string => `${Date.now().toString(36)}-${process.pid.toString(36)}`;

const signalName = (number: number): string =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
