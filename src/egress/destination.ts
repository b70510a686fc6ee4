/** From a host that a rule allows to addresses that may be dialled: resolved once, all of them checked. */

import { type Address, parseAddress } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Reason } from '../event/event.ts';
import { chooseCandidate } from '../match/choose-candidate.ts';
import type { Host } from '../match/host.ts';
import type { Candidate } from '../match/verdict.ts';
import { ConnectToTable } from './connect-to.ts';
import type { NameResolver } from './names.ts';
import type { Nat64Discovery } from './nat64.ts';

export interface Target {
  readonly address: Address;
  readonly port: number;
}

export interface CheckedDestination {
  /** Not empty, in the order in which they should be tried. */
  readonly targets: readonly Target[];
  /** The endpoint whose addresses they may be. */
  readonly candidate: Candidate;
  /** The operator's --connect-to named the address; it was not judged. */
  readonly vouched: boolean;
}

export interface DestinationProblem {
  readonly reason: Extract<
    Reason,
    | 'name_not_resolved'
    | 'special_address'
    | 'address_not_listed'
    | 'control_plane_port'
    | 'upstream_unreachable'
  >;
  /** For people: a sentence without a full stop. */
  readonly detail: string;
  readonly candidate: Candidate;
  readonly address: { readonly text: string; readonly class: 'never' | 'private' | 'public' } | null;
}

export interface DestinationOptions {
  readonly resolver: NameResolver;
  readonly connectTo?: ConnectToTable;
  /** Translation prefixes of this network, besides the well-known ones. */
  readonly nat64?: Nat64Discovery;
}

export type Candidates = readonly [Candidate, ...Candidate[]];

export class Destinations {
  readonly #resolver: NameResolver;
  readonly #connectTo: ConnectToTable;
  readonly #nat64: Nat64Discovery | null;

  constructor(options: DestinationOptions) {
    this.#resolver = options.resolver;
    this.#connectTo = options.connectTo ?? new ConnectToTable();
    this.#nat64 = options.nat64 ?? null;
  }

  /** Resolves a host and checks what comes back against the endpoints that allow it. */
  async resolve(
    host: Host,
    port: number,
    candidates: Candidates,
  ): Promise<Result<CheckedDestination, DestinationProblem>> {
    const vouched = this.#connectTo.find(host, port);
    if (vouched !== null) {
      const targets = [{ address: vouched.address, port: vouched.addressPort }];
      return ok({ targets, candidate: candidates[0], vouched: true });
    }
    const addresses = await this.#addresses(host);
    if (!addresses.ok) return err({ ...addresses.error, candidate: candidates[0] });
    await this.#nat64?.before(addresses.value);
    const chosen = this.choose(host, port, candidates, addresses.value);
    if (!chosen.ok) return chosen;
    const targets = addresses.value.map((address) => ({ address, port }));
    return ok({ targets, candidate: chosen.value, vouched: false });
  }

  /**
   * Where a caller goes that named one address of a host, looked up before. All addresses that the host is known to
   * have are checked, as when it is resolved.
   */
  async at(
    host: Host,
    port: number,
    candidates: Candidates,
    address: Address,
    others: readonly Address[],
  ): Promise<Result<{ readonly target: Target; readonly candidate: Candidate }, DestinationProblem>> {
    const vouched = this.#connectTo.find(host, port);
    if (vouched !== null)
      return ok({
        target: { address: vouched.address, port: vouched.addressPort },
        candidate: candidates[0],
      });
    // The operator's word about another port of the host says nothing about this one.
    if (this.#connectTo.addressesOf(host).some(({ text }) => text === address.text)) {
      const resolved = await this.resolve(host, port, candidates);
      if (!resolved.ok) return resolved;
      const { targets, candidate } = resolved.value;
      const target = targets.find((one) => one.address.family === address.family);
      if (target !== undefined) return ok({ target, candidate });
      const detail = `${host.text} has no address of this family`;
      return err({ reason: 'upstream_unreachable', detail, candidate, address: null });
    }
    await this.#nat64?.before([address, ...others]);
    const chosen = this.choose(host, port, candidates, [address, ...others]);
    return chosen.ok ? ok({ target: { address, port }, candidate: chosen.value }) : chosen;
  }

  /** Whether a connection to one address of a host, open already, may stay. */
  keeps(
    host: Host,
    port: number,
    candidates: Candidates,
    address: Address,
  ): Result<Candidate, DestinationProblem> {
    const vouched = this.#connectTo.find(host, port)?.address.text === address.text;
    return vouched ? ok(candidates[0]) : this.choose(host, port, candidates, [address]);
  }

  /** Checks addresses that are already known: after a change of policy, those of an open connection. */
  choose(
    host: Host,
    port: number,
    candidates: Candidates,
    addresses: readonly Address[],
  ): Result<Candidate, DestinationProblem> {
    const chosen = chooseCandidate(candidates, addresses, port, this.#nat64?.known);
    if (chosen.ok) return chosen;
    const { problem, candidate } = chosen.error;
    return err({
      reason: problem.reason,
      detail: `${host.text} ${problem.detail}`,
      candidate,
      address: { text: problem.address.text, class: problem.class },
    });
  }

  async #addresses(host: Host): Promise<Result<readonly Address[], Omit<DestinationProblem, 'candidate'>>> {
    if (host.address !== null) return ok([host.address]);
    const answer = await this.#resolver.lookup(host.text);
    if (!answer.ok)
      return err({
        reason: 'name_not_resolved',
        detail: `the name ${host.text} ${answer.error}`,
        address: null,
      });
    const addresses: Address[] = [];
    for (const text of answer.value) {
      const address = parseAddress(text);
      // Only link-local addresses come back in a form that is none: with a zone id.
      if (address === null) {
        const detail = `${host.text} is at the link-local address ${text}, which no policy can allow`;
        return err({ reason: 'special_address', detail, address: { text, class: 'never' } });
      }
      if (!addresses.some((known) => known.text === address.text)) addresses.push(address);
    }
    if (addresses.length > 0) return ok(addresses);
    return err({
      reason: 'name_not_resolved',
      detail: `the name ${host.text} has no addresses`,
      address: null,
    });
  }
}
