/**
 * The network side of one sandbox: who connects, what the explicit proxy and direct connections may reach, which names
 * can be looked up. Loaded when a sandbox first wants the network.
 */
import { createServer, type Server } from 'node:net';
import { addressBytes, addressFromBytes, parseAddress } from '../base/address.ts';
import { type ConnectTo, ConnectToTable } from '../egress/connect-to.ts';
import { ContentHash } from '../egress/content-hash.ts';
import { DatagramRelay } from '../egress/datagrams.ts';
import { Destinations } from '../egress/destination.ts';
import { createDialer } from '../egress/dial.ts';
import { DirectEgress } from '../egress/direct.ts';
import { FrozenResolver } from '../egress/frozen-names.ts';
import { IdentityResolver } from '../egress/identity.ts';
import { listensOnLoopback, loopbackOf } from '../egress/loopback-listeners.ts';
import { NAME_LIMITS } from '../egress/name-limits.ts';
import { SystemResolver } from '../egress/names.ts';
import { DNS_PORT, hostNameservers } from '../egress/nameservers.ts';
import { Nat64Discovery } from '../egress/nat64.ts';
import { PolicyDns } from '../egress/policy-dns.ts';
import { type Standing, stillAllowed } from '../egress/standing.ts';
import { SyntheticAddresses, standsForName } from '../egress/synthetic.ts';
import type { Draft, ProcessReference } from '../event/event.ts';
import type { Guard } from '../guard/guard.ts';
import { createProxy, type EgressProxy } from '../http/proxy.ts';
import type { GivenRoutes } from '../inference/given.ts';
import type { GivenCredentials } from '../inject/make-injector.ts';
import type { Launcher, Verdict } from '../launch/launcher.ts';
import type { Report, ReportedProcess } from '../launch/reports.ts';
import { buildIndex, type EgressIndex } from '../match/egress-index.ts';
import type { EgressTable, Plan } from '../plan/plan.ts';
import { INNER } from '../plan/wire.ts';
import { type CallerIdentity, Callers } from './callers.ts';
import { InnerSockets } from './inner-sockets.ts';
import { inspectionBy } from './late-inspection.ts';
import { localService } from './local-service.ts';
import { LoopbackServices } from './loopback-services.ts';
import { refusal } from './refused-connect.ts';
import { RelayedSockets } from './relayed-sockets.ts';
import { RememberedVerdicts } from './remembered-verdicts.ts';
import type { Trust } from './trust.ts';

type OpenReport = Extract<Report, { kind: 'open' }>;
type SentReport = Extract<Report, { kind: 'sent' }>;

/** What stands in for a network namespace. */
interface Platform {
  readonly nameservers: ReadonlySet<string>;
  readonly sockets: RelayedSockets;
  readonly services: LoopbackServices;
}

type ReusedReport = Extract<Report, { kind: 'reused' }>;
type KeptReport = Extract<Report, { kind: 'kept' }>;

export const NOTHING_ENDED: Ended = { closed: 0, killed: 0, surviving: 0 };

/** What a change of policy put an end to. */
export interface Ended {
  /** Connections, exchanges and flows of datagrams. */
  readonly closed: number;
  /** Processes that had to be ended, since their connections could not be taken from them. */
  readonly killed: number;
  /** Connections that could not be ended: the sandbox is, for them. */
  readonly surviving: number;
}

const SOCK_STREAM = 1;
/** How long the warden may give the same answer again. */
const ttlMs = NAME_LIMITS.ttlSeconds * 1000;
/** How long datagrams to a port of the host's loopback where nobody listens are lost without a question. */
const LOST_MS = 1000;
const LOOPBACK = parseAddress('127.0.0.1')!.text;
const UNSPECIFIED = [parseAddress('0.0.0.0')!.text, parseAddress('::')!.text];

/** The warden looks through the open files of all processes meanwhile. */
const KEEP_MS = 30_000;

export interface MediationOptions {
  readonly plan: Plan;
  /** The rules to begin with: those of the plan, or of a later policy. */
  readonly egress: EgressTable;
  readonly launcher: Pick<Launcher, 'verdict' | 'datagrams' | 'deliver' | 'keepOnly'>;
  readonly connectTo: readonly ConnectTo[];
  readonly trust: Trust | null;
  /** Null: none was given. */
  readonly credentials: GivenCredentials | null;
  /** Null: no routes were given. */
  readonly inference: GivenRoutes | null;
  readonly emit: (draft: Draft) => void;
  /** Null: the policy alone decides. */
  readonly guard: Guard | null;
}

export class Mediation {
  readonly #options: MediationOptions;
  readonly #identities = new IdentityResolver(new ContentHash());
  readonly #callers = new Callers();
  readonly #remembered = new RememberedVerdicts();
  readonly #proxy: EgressProxy;
  readonly #dns: PolicyDns;
  readonly #direct: DirectEgress;
  readonly #innerSockets: InnerSockets;
  /** Null in the `namespaces` tier. */
  readonly #platform: Platform | null;
  readonly #relay: DatagramRelay;
  readonly #destinations: Destinations;
  /** Null: names are resolved at each use. */
  readonly #frozen: FrozenResolver | null;
  readonly #keeping = new Map<number, (report: KeptReport | null) => void>();
  /** Counts the policies that have held. */
  #generation = 1;
  #closed = false;

  constructor(options: MediationOptions) {
    this.#options = options;
    const { index, datagrams, all } = indexesOf(options.egress);
    const { emit } = options;
    const connectTo = new ConnectToTable(options.connectTo);
    const system = new SystemResolver();
    this.#frozen = options.plan.egress.pin === 'start' ? new FrozenResolver(system, namesOf(all)) : null;
    const resolver = this.#frozen ?? system;
    const destinations = new Destinations({ resolver, connectTo, nat64: new Nat64Discovery(system) });
    this.#destinations = destinations;
    const synthetic = new SyntheticAddresses(NAME_LIMITS.syntheticAddresses);
    this.#dns = new PolicyDns({ index: all, resolver, connectTo, synthetic, emit });
    this.#direct = new DirectEgress({
      index,
      datagrams,
      destinations,
      synthetic,
      addressesOf: (name) => this.#dns.addressesOf(name),
      guard: options.guard,
    });
    this.#innerSockets = new InnerSockets(options.launcher);
    this.#platform =
      options.plan.tier === 'platform'
        ? {
            nameservers: hostNameservers(),
            sockets: new RelayedSockets(options.launcher),
            services: new LoopbackServices(
              (server) => this.#proxy.attach(server),
              (message, transport) => this.answerQuery(message, transport),
            ),
          }
        : null;
    this.#relay = new DatagramRelay((this.#platform?.sockets ?? this.#innerSockets).make);
    this.#proxy = createProxy({
      index,
      callerOf: (peer) => this.#callers.callerOf(peer),
      dialer: createDialer(destinations),
      guard: options.guard,
      emit,
      local: localService(options.credentials),
      inspect:
        options.trust === null ? null : inspectionBy(options.trust, options, { resolver: system, connectTo }),
    });
  }

  /**
   * Another policy holds, at once and for everything: what is judged from here on, names, and what was allowed before. What
   * that one does not allow is ended, and how much is said when that is done.
   */
  async usePolicy(egress: EgressTable): Promise<Ended> {
    const { index, datagrams, all } = indexesOf(egress);
    this.#generation += 1;
    this.#proxy.useIndex(index);
    this.#direct.useRules({ index, datagrams });
    this.#dns.useIndex(all);
    void this.#frozen?.freeze(namesOf(all));
    const may = (rules: EgressIndex) => (standing: Standing) =>
      stillAllowed(rules, this.#destinations, standing) !== null;
    const goesOn = may(index);
    const proxied = this.#proxy.closeConnections(({ standing }) => !goesOn(standing));
    const flows = this.#relay.keepOnly(may(datagrams));
    const { kept, dropped } = this.#remembered.sort(goesOn);
    const report = await this.#keepOnly(this.#generation, kept);
    this.#remembered.drop(dropped);
    const { closed, killed, surviving } = report ?? NOTHING_ENDED;
    return { closed: proxied + flows + closed, killed, surviving };
  }

  /** How long a judgement may be given again: a guardrail wants to be asked each time. */
  get #judgedMs(): number {
    return this.#options.guard === null ? ttlMs : 0;
  }

  #keepOnly(generation: number, tokens: readonly number[]): Promise<KeptReport | null> {
    if (this.#closed) return Promise.resolve(null);
    return new Promise((resolve) => {
      const done = (report: KeptReport | null): void => {
        clearTimeout(timer);
        this.#keeping.delete(generation);
        resolve(report);
      };
      const timer = setTimeout(() => done(null), KEEP_MS);
      this.#keeping.set(generation, done);
      this.#options.launcher.keepOnly(generation, tokens);
    });
  }

  kept(report: KeptReport): void {
    this.#keeping.get(report.generation)?.(report);
  }

  /** Serves the proxy on a raw listening handle from inside the sandbox. */
  serve(handle: unknown): void {
    const server: Server = createServer();
    server.on('error', () => {}); // an accept that failed: the next one may work
    this.#proxy.attach(server);
    server.listen(handle as Parameters<Server['listen']>[0]);
  }

  /** The answer of the policy DNS to one message, or null where none is due. */
  answerQuery(message: Uint8Array, transport: 'udp' | 'tcp'): Promise<Uint8Array | null> {
    return this.#dns.answer(message, transport);
  }

  /** A workload waits in connect(2) and sleeps until it is answered. */
  async open(report: OpenReport): Promise<void> {
    const { launcher } = this.#options;
    const identity = await this.#identities.resolve(factsOf(report.process));
    if (this.#closed) return;
    if (this.#isProxy(report)) {
      // Also an unknown caller is let through to the proxy: there the refusal can say why.
      this.#callers.connecting(report.id, identity);
      launcher.verdict(report.id, await this.#toService((services) => services.proxyPort()));
      return;
    }
    if (this.#asksNames(report)) {
      const stream = report.socketType === SOCK_STREAM;
      launcher.verdict(
        report.id,
        stream ? await this.#toService((services) => services.dnsPort()) : { kind: 'local', ttlMs },
      );
      return;
    }
    if (report.socketType !== SOCK_STREAM) return this.#openDatagrams(report, identity);
    return this.#openDirectly(report, identity);
  }

  async #openDirectly(report: OpenReport, identity: CallerIdentity): Promise<void> {
    const { launcher, emit } = this.#options;
    const generation = this.#generation;
    const verdict = await this.#direct.judge({ ...report, datagram: false, identity });
    const idle = verdict.kind === 'judged' && verdict.target === null && (await this.#isIdle(report));
    if (this.#closed) return;
    // What an earlier policy said must not follow the list of what stays.
    if (generation !== this.#generation) return this.#openDirectly(report, identity);
    if (verdict.kind === 'inspected') {
      this.#callers.connecting(report.id, identity, verdict.destination);
      launcher.verdict(report.id, { kind: 'redirect', ...(await this.#proxyAddress()) });
      return;
    }
    const { target, event, standing } = verdict;
    if (!idle) emit(event);
    if (target === null || standing === null) {
      launcher.verdict(report.id, refusal(idle ? 'nobody_listens' : event.reason));
      return;
    }
    launcher.verdict(report.id, {
      kind: 'direct',
      address: addressBytes(target.address),
      port: target.port,
      ...this.#remembered.keep(standing, event, this.#judgedMs),
    });
  }

  async #proxyAddress(): Promise<{ address: Uint8Array; port: number }> {
    const address = addressBytes(parseAddress('127.0.0.1')!);
    const port = (await this.#platform?.services.proxyPort()) ?? this.#options.plan.egress.proxyPort;
    return { address, port };
  }

  /** Inside there is a service of that address; without namespaces it is on a port of the host's loopback. */
  async #toService(portOf: (services: LoopbackServices) => Promise<number>): Promise<Verdict> {
    if (this.#platform === null) return { kind: 'local' };
    const port = await portOf(this.#platform.services);
    return { kind: 'direct', address: addressBytes(parseAddress('127.0.0.1')!), port, token: 0, ttlMs: 0 };
  }

  /** Whether it is for a server that the host's resolv.conf names. */
  #asksNames({ address, port }: Pick<OpenReport, 'address' | 'port'>): boolean {
    const { mode } = this.#options.plan.egress;
    return (
      mode === 'proxy' &&
      port === DNS_PORT &&
      (this.#platform?.nameservers.has(addressFromBytes(address).text) ?? false)
    );
  }

  /** Whether it is for loopback, where nobody listens: what a program waits for that has yet to start its own server. */
  async #isIdle({ address, port, socketType }: OpenReport): Promise<boolean> {
    const loopback = this.#platform === null ? null : loopbackOf(addressFromBytes(address));
    const protocol = socketType === SOCK_STREAM ? 'tcp' : 'udp';
    return loopback !== null && !(await listensOnLoopback(loopback, port, protocol));
  }

  /** A datagram that the warden took. */
  sent(report: SentReport): void {
    if (this.#platform === null || this.#platform.sockets.sent(report) || !this.#asksNames(report)) return;
    const { localPort, address, port, payload } = report;
    void this.answerQuery(payload, 'udp').then((reply) => {
      if (reply !== null && !this.#closed) this.#options.launcher.deliver(localPort, address, port, reply);
    });
  }

  /** A datagram socket is connected, or sends to an address that it names. */
  async #openDatagrams(report: OpenReport, identity: CallerIdentity): Promise<void> {
    const { launcher, emit } = this.#options;
    const { id, port, sends } = report;
    const address = addressFromBytes(report.address);
    // Programs connect such sockets to find out which address they would send from; nothing is behind most of them.
    const probes = !sends && standsForName(address) && !this.#direct.takesDatagrams(address, port);
    if (probes || address.text === INNER.ownV4 || address.text === INNER.ownV6) {
      // What it sends after all is another question.
      launcher.verdict(id, { kind: 'local', ttlMs: probes ? 0 : ttlMs });
      return;
    }
    const generation = this.#generation;
    const verdict = await this.#direct.judge({ ...report, datagram: true, identity });
    if (verdict.kind === 'inspected') throw new Error('internal error: datagrams hold no requests');
    const { target, event, standing } = verdict;
    const admitted =
      target !== null && standing !== null && (await this.#relay.admit(id, address, port, target, standing));
    const idle = target === null && (await this.#isIdle(report));
    if (this.#closed) return;
    if (generation !== this.#generation) return this.#openDatagrams(report, identity);
    if (idle) {
      launcher.verdict(id, { kind: 'local', ttlMs: LOST_MS });
      return;
    }
    const reason = admitted || target === null ? event.reason : 'upstream_unreachable';
    emit({ ...event, reason });
    launcher.verdict(id, admitted ? { kind: 'local', ttlMs: this.#judgedMs } : refusal(reason));
  }

  /** A socket inside that was asked for. */
  takeSocket(number: number, handle: unknown): void {
    this.#innerSockets.take(number, handle);
  }

  peer(report: Extract<Report, { kind: 'peer' }>): void {
    this.#callers.peer(report);
    this.#relay.peer(report.id, report.address, report.port);
  }

  /** Connects that the warden allowed as an earlier one: each is a decision too. */
  reused({ uses }: ReusedReport): void {
    for (const { token, pid } of uses) {
      const event = this.#remembered.find(token);
      if (event !== null) this.#options.emit({ ...event, process: withPid(event.process, pid) });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const done of [...this.#keeping.values()]) done(null);
    this.#callers.close();
    this.#innerSockets.close();
    this.#relay.close();
    this.#platform?.services.close();
    await this.#proxy.close();
  }

  #isProxy({ address, port, socketType }: OpenReport): boolean {
    const { mode, proxyPort } = this.#options.plan.egress;
    const { text } = addressFromBytes(address);
    const here = text === LOOPBACK || UNSPECIFIED.includes(text);
    return mode === 'proxy' && port === proxyPort && socketType === SOCK_STREAM && here;
  }
}

/** For connections, for datagrams, and for names, which are of either. Throws on a table that no compilation gives. */
function indexesOf(egress: EgressTable): {
  readonly index: EgressIndex;
  readonly datagrams: EgressIndex;
  readonly all: EgressIndex;
} {
  const all = buildIndex(egress, null);
  if (all.problems.length > 0) throw new Error(`internal error: egress table: ${all.problems.join('; ')}`);
  return { index: buildIndex(egress), datagrams: buildIndex(egress, 'udp'), all };
}

const namesOf = ({ exact }: EgressIndex): string[] =>
  [...exact.keys()].filter((host) => parseAddress(host) === null);

const withPid = (process: ProcessReference | null, pid: number): ProcessReference | null =>
  process === null ? null : { ...process, pid };

function factsOf({ pid, executables }: ReportedProcess): Parameters<IdentityResolver['resolve']>[0] {
  const [executable, ...ancestors] = executables;
  const none = { path: '', pid, dev: 0n, ino: 0n, size: 0n, mtimeNs: 0n, ctimeNs: 0n, deleted: false };
  return { pid, executable: executable ?? none, ancestors };
}
