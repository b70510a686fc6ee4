/**
 * The names that a sandbox can look up: those that some endpoint could allow, and `localhost`. All others do not exist,
 * at once, and no query for them leaves the machine.
 */

import { type Address, parseAddress } from '../base/address.ts';
import type { Draft } from '../event/event.ts';
import { type EgressIndex, listsHost } from '../match/egress-index.ts';
import { type Host, normaliseHost } from '../match/host.ts';
import { INFERENCE_HOST, INFERENCE_PORT, servesInference } from '../plan/inference.ts';
import type { ConnectToTable } from './connect-to.ts';
import { type Question, type Reply, readQuery, writeError, writeReply } from './dns-message.ts';
import { NAME_LIMITS, type NameLimits } from './name-limits.ts';
import type { NameResolver } from './names.ts';
import { RateLimit } from './rate-limit.ts';
import type { SyntheticAddresses } from './synthetic.ts';

export interface PolicyDnsOptions {
  readonly index: EgressIndex;
  readonly resolver: NameResolver;
  readonly connectTo: ConnectToTable;
  readonly synthetic: SyntheticAddresses;
  readonly emit: (draft: Draft) => void;
  readonly limits?: Partial<NameLimits>;
}

const UDP_LIMIT = 512;
const TCP_LIMIT = 65_535;
const NOTHING: Reply = { code: 'NOERROR', addresses: [], ttl: 0 };
const UNKNOWN: Reply = { code: 'NXDOMAIN', addresses: [], ttl: 0 };
const FAILED: Reply = { code: 'SERVFAIL', addresses: [], ttl: 0 };
const LOOPBACK = { A: parseAddress('127.0.0.1')!, AAAA: parseAddress('::1')! } as const;
const LOCAL_TTL = 60;

export class PolicyDns {
  readonly #options: PolicyDnsOptions;
  #index: EgressIndex;
  readonly #limits: NameLimits;
  readonly #rate: RateLimit;
  readonly #known = new Map<string, { readonly addresses: readonly Address[]; readonly until: number }>();
  /** Made when it is first asked for. */
  #zones: ReadonlySet<string> | null = null;
  #answering = 0;

  constructor(options: PolicyDnsOptions) {
    this.#options = options;
    this.#index = options.index;
    this.#limits = { ...NAME_LIMITS, ...options.limits };
    this.#rate = new RateLimit(this.#limits.newNamesPerSecond, this.#limits.newNamesAtOnce);
  }

  /** Answers by these rules from now on. Names keep their synthetic addresses. */
  useIndex(index: EgressIndex): void {
    this.#index = index;
    this.#zones = null;
  }

  /** The addresses that a name was last found to have. */
  addressesOf(name: string): readonly Address[] {
    return this.#known.get(name)?.addresses ?? [];
  }

  /** The answer to one message, or null where none is due. */
  async answer(message: Uint8Array, transport: 'udp' | 'tcp'): Promise<Uint8Array | null> {
    const query = readQuery(message);
    if (!query.ok) return query.error === null ? null : writeError(message, query.error);
    if (this.#answering >= this.#limits.answering) return writeError(message, 'SERVFAIL');
    this.#answering += 1;
    try {
      const reply = await this.#reply(query.value);
      return writeReply(query.value, reply, transport === 'udp' ? UDP_LIMIT : TCP_LIMIT);
    } finally {
      this.#answering -= 1;
    }
  }

  async #reply(question: Question): Promise<Reply> {
    const host = normaliseHost(question.name);
    if (!host.ok || host.value.address !== null) return this.#refuse(question, 'endpoint_not_listed');
    const name = host.value;
    if (name.text === 'localhost' || name.text.endsWith('.localhost')) return local(question);
    const index = this.#index;
    const listed = listsHost(index, name);
    const ours = servesInference(index, name.text, INFERENCE_PORT);
    if (!listed && !ours)
      return question.type === 'SOA' && this.#holds(name.text)
        ? NOTHING
        : this.#refuse(question, 'endpoint_not_listed');
    if (question.type !== 'A' && question.type !== 'AAAA') return NOTHING;
    if (!ours && !this.#mayAsk(name)) return this.#refuse(question, 'too_many_names');
    const found = listed ? await this.#addresses(name) : [];
    // It has no address outside; this one is never dialled, and only a synthetic one that stands for it is given out.
    const real = ours && (found === null || found.length === 0) ? [LOOPBACK.A] : found;
    if (real === null) return FAILED;
    const family = question.type === 'A' ? 4 : 6;
    const addresses: Address[] = [];
    for (const address of real
      .filter((one) => one.family === family)
      .slice(0, this.#limits.addressesInAnswer)) {
      const synthetic = this.#options.synthetic.of(name.text, address);
      if (synthetic === null) return this.#refuse(question, 'too_many_names');
      addresses.push(synthetic);
    }
    return { code: 'NOERROR', addresses, ttl: this.#limits.ttlSeconds };
  }

  /**
   * Whether a name that can be asked for lies below this one, which is there then (RFC 8020). Resolvers of mDNS ask about `local`
   * before any name in it.
   */
  #holds(zone: string): boolean {
    this.#zones ??= zonesOf(this.#index);
    return this.#zones.has(zone);
  }

  /**
   * A name that no rule writes out can carry data in its labels to whoever runs the zone: under patterns names are
   * short and new ones are few.
   */
  #mayAsk({ text }: Host): boolean {
    if (this.#index.exact.has(text) || this.#known.has(text)) return true;
    const labels = text.split('.');
    if (
      labels.some((label) => label.length > this.#limits.patternLabel) ||
      text.length > this.#limits.patternName
    )
      return false;
    return this.#rate.take();
  }

  async #addresses(host: Host): Promise<readonly Address[] | null> {
    const pinned = this.#options.connectTo.addressesOf(host);
    if (pinned.length > 0) return pinned;
    const now = Date.now();
    const known = this.#known.get(host.text);
    if (known !== undefined && known.until > now) return known.addresses;
    const found = await this.#options.resolver.lookup(host.text);
    if (!found.ok) return null;
    const addresses = found.value.map(parseAddress).filter((address) => address !== null);
    this.#known.delete(host.text);
    this.#known.set(host.text, { addresses, until: now + this.#limits.ttlSeconds * 1000 });
    if (this.#known.size > this.#limits.knownNames) this.#known.delete(this.#known.keys().next().value!);
    return addresses;
  }

  #refuse({ name, type }: Question, reason: 'endpoint_not_listed' | 'too_many_names'): Reply {
    this.#options.emit({
      type: 'denial',
      layer: 'names',
      action: 'deny',
      reason,
      rule: null,
      subject: { kind: 'name', name, query: type },
      process: null,
      count: 1,
    });
    return UNKNOWN;
  }
}

function zonesOf(index: EgressIndex): ReadonlySet<string> {
  const names = [...index.exact.keys()];
  if (servesInference(index, INFERENCE_HOST, INFERENCE_PORT)) names.push(INFERENCE_HOST);
  return new Set(
    names.flatMap((name) => {
      const labels = name.split('.');
      return labels.slice(1).map((_label, i) => labels.slice(i + 1).join('.'));
    }),
  );
}

/** RFC 6761 6.3: names below `localhost` are this machine. */
const local = ({ type }: Question): Reply =>
  type === 'A' || type === 'AAAA'
    ? { code: 'NOERROR', addresses: [LOOPBACK[type]], ttl: LOCAL_TTL }
    : NOTHING;
