/**
 * The network side of one sandbox: who connects, whether the explicit proxy may serve them, what a direct connection
 * is told. Loaded when a sandbox first wants the network.
 */
import { createServer, type Server } from 'node:net';
import type { Result } from '../base/result.ts';
import { type ConnectTo, ConnectToTable } from '../egress/connect-to.ts';
import { ContentHash } from '../egress/content-hash.ts';
import { decisionDraft } from '../egress/decision-event.ts';
import { Destinations } from '../egress/destination.ts';
import { createDialer } from '../egress/dial.ts';
import { type IdentityProblem, IdentityResolver } from '../egress/identity.ts';
import { SystemResolver } from '../egress/names.ts';
import type { Draft } from '../event/event.ts';
import { createProxy, type EgressProxy } from '../http/proxy.ts';
import { errnoNumber } from '../kernel/errno.ts';
import type { Launcher } from '../launch/launcher.ts';
import type { Report, ReportedProcess } from '../launch/reports.ts';
import { buildIndex } from '../match/egress-index.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import type { Plan } from '../plan/plan.ts';

type OpenReport = Extract<Report, { kind: 'open' }>;
type Answer = Result<BinaryIdentity, IdentityProblem>;

/** A proxy connection whose caller never told its port: its process ended in between. */
const PEER_WAIT_MS = 5000;
/** Callers that connected and were not accepted yet. */
const MAX_PEERS = 4096;
const LOOPBACK = [127, 0, 0, 1];

export interface MediationOptions {
  readonly plan: Plan;
  readonly launcher: Pick<Launcher, 'verdict'>;
  readonly connectTo: readonly ConnectTo[];
  readonly emit: (draft: Draft) => void;
}

export class Mediation {
  readonly #options: MediationOptions;
  readonly #identities = new IdentityResolver(new ContentHash());
  readonly #asking = new Map<bigint, Answer>();
  readonly #peers = new Map<number, Answer>();
  readonly #waiting = new Map<number, (answer: Answer | null) => void>();
  readonly #proxy: EgressProxy;

  constructor(options: MediationOptions) {
    this.#options = options;
    const index = buildIndex(options.plan.egress);
    if (index.problems.length > 0)
      throw new Error(`internal error: egress table: ${index.problems.join('; ')}`);
    const destinations = new Destinations({
      resolver: new SystemResolver(),
      connectTo: new ConnectToTable(options.connectTo),
    });
    this.#proxy = createProxy({
      index,
      identityOf: (port) => this.#identityOf(port),
      dialer: createDialer(destinations),
      emit: options.emit,
    });
  }

  /** Serves the proxy on a raw listening handle from inside the sandbox. */
  serve(handle: unknown): void {
    const server: Server = createServer();
    server.on('error', () => {}); // an accept that failed: the next one may work
    this.#proxy.attach(server);
    server.listen(handle as Parameters<Server['listen']>[0]);
  }

  /** A workload waits in connect(2) and sleeps until it is answered. */
  async open(report: OpenReport): Promise<void> {
    if (!this.#isProxy(report)) {
      this.#refuseDirect(report);
      return;
    }
    const answer = await this.#identities.resolve(factsOf(report.process));
    // Also an unknown caller is let through to the proxy: there the refusal can say why.
    this.#asking.set(report.id, answer);
    if (this.#asking.size > MAX_PEERS) this.#asking.delete(this.#asking.keys().next().value!);
    this.#options.launcher.verdict(report.id, { kind: 'local' });
  }

  peer({ id, port }: Extract<Report, { kind: 'peer' }>): void {
    const answer = this.#asking.get(id);
    this.#asking.delete(id);
    if (answer === undefined || port === 0) return;
    const waiting = this.#waiting.get(port);
    if (waiting !== undefined) {
      waiting(answer);
      return;
    }
    this.#peers.set(port, answer);
    if (this.#peers.size > MAX_PEERS) this.#peers.delete(this.#peers.keys().next().value!);
  }

  async close(): Promise<void> {
    for (const resolve of this.#waiting.values()) resolve(null);
    await this.#proxy.close();
  }

  #isProxy({ address, port, socketType }: OpenReport): boolean {
    const { mode, proxyPort } = this.#options.plan.egress;
    const stream = 1;
    return mode === 'proxy' && port === proxyPort && socketType === stream && isInnerLoopback(address);
  }

  #refuseDirect(report: OpenReport): void {
    const block = this.#options.plan.egress.mode === 'block';
    const [own, ...ancestors] = report.process.executables;
    this.#options.emit(
      decisionDraft({
        action: 'deny',
        reason: block ? 'network_off' : 'direct_connection',
        rule: null,
        via: 'direct',
        host: addressText(report.address),
        port: report.port,
        address: addressText(report.address),
        process: {
          pid: report.process.pid,
          exe: own?.path ?? '',
          sha256: null,
          ancestors: ancestors.map(({ path }) => path),
        },
      }),
    );
    const errno = errnoNumber(block ? 'ENETUNREACH' : 'EACCES')!;
    this.#options.launcher.verdict(report.id, { kind: 'refuse', errno });
  }

  /** Who connected from this port of the sandbox; the report may come after the connection. */
  #identityOf(port: number): Promise<Answer | null> {
    const known = this.#peers.get(port);
    this.#peers.delete(port);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(null), PEER_WAIT_MS);
      const done = (answer: Answer | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(port);
        resolve(answer);
      };
      this.#waiting.set(port, done);
    });
  }
}

function factsOf({ pid, executables }: ReportedProcess): Parameters<IdentityResolver['resolve']>[0] {
  const [executable, ...ancestors] = executables;
  const none = { path: '', pid, dev: 0n, ino: 0n, size: 0n, mtimeNs: 0n, ctimeNs: 0n, deleted: false };
  return { pid, executable: executable ?? none, ancestors };
}

function isInnerLoopback(address: Uint8Array): boolean {
  const v4 = address.length === 16 && isMapped(address) ? address.subarray(12) : address;
  if (v4.length === 16) return v4.every((byte) => byte === 0);
  return v4.every((byte, i) => byte === LOOPBACK[i]) || v4.every((byte) => byte === 0);
}

const isMapped = (address: Uint8Array): boolean =>
  address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;

function addressText(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  if (isMapped(address)) return address.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((address[2 * i]! << 8) | address[2 * i + 1]!).toString(16),
  );
  // The longest run of zero groups is shortened (RFC 5952).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
