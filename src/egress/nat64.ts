/**
 * Translation prefixes of this network (RFC 7050): an address in one of them is an IPv4 address behind a translator, and is
 * judged as that. The resolver is asked when the first IPv6 address comes that would be let through otherwise.
 */
import { type Address, type Cidr, parseAddress } from '../base/address.ts';
import { classifyAddress, nat64Prefixes } from '../match/classify-address.ts';
import type { NameResolver } from './names.ts';

/** It has IPv4 addresses only, so that an IPv6 address of it was made by a translator (RFC 7050 section 8.2). */
const NAME = 'ipv4only.arpa';

export class Nat64Discovery {
  readonly #resolver: NameResolver;
  #known: readonly Cidr[] = [];
  #asked: Promise<void> | null = null;

  constructor(resolver: NameResolver) {
    this.#resolver = resolver;
  }

  /** Those that were found so far. */
  get known(): readonly Cidr[] {
    return this.#known;
  }

  /** To be waited for before these addresses are judged. */
  async before(addresses: readonly Address[]): Promise<void> {
    const matters = addresses.some(
      (address) => address.family === 6 && classifyAddress(address).class !== 'never',
    );
    if (!matters) return;
    this.#asked ??= this.#ask();
    await this.#asked;
  }

  async #ask(): Promise<void> {
    const answer = await this.#resolver.lookup(NAME);
    // A network without a translator has IPv4 addresses of it, or none: nobody is asked again. No answer is no reason to refuse.
    if (answer.ok) this.#known = nat64Prefixes(answer.value.flatMap((text) => parseAddress(text) ?? []));
  }
}
