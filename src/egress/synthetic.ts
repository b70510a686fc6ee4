/**
 * Synthetic addresses: what the policy DNS gives out instead of real ones, so that a connect to an address can be judged
 * by the name that it was looked up under. Each pair of a name and a real address keeps its own for the life of the
 * sandbox: programs may cache it as long as they like.
 */
import { type Address, addressOf, parseAddress } from '../base/address.ts';
import { INNER } from '../plan/wire.ts';

export interface SyntheticTarget {
  readonly name: string;
  readonly real: Address;
}

/** The first of each pool are the sandbox's own. */
const FIRST = 256n;

export class SyntheticAddresses {
  readonly #limit: number;
  readonly #byPair = new Map<string, Address>();
  readonly #targets = new Map<string, SyntheticTarget>();
  #next = { 4: FIRST, 6: FIRST };

  /** @param limit pairs at most; further ones get nothing */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The address that stands for `real` under `name`, in the same family; null when there are too many. */
  of(name: string, real: Address): Address | null {
    const pair = `${name} ${real.text}`;
    const known = this.#byPair.get(pair);
    if (known !== undefined) return known;
    if (this.#byPair.size >= this.#limit) return null;
    const { family } = real;
    const synthetic = addressOf(family, POOL[family] + this.#next[family]);
    this.#next[family] += 1n;
    this.#byPair.set(pair, synthetic);
    this.#targets.set(synthetic.text, { name, real });
    return synthetic;
  }

  /** What an address stands for; null: it is not synthetic, or was never given out. */
  target(address: Address): SyntheticTarget | null {
    return this.#targets.get(address.text) ?? null;
  }
}

const POOL: Readonly<Record<4 | 6, bigint>> = {
  4: parseAddress(INNER.syntheticV4.base)!.value,
  6: parseAddress(INNER.syntheticV6.base)!.value,
};

const BITS: Readonly<Record<4 | 6, bigint>> = {
  4: 32n - BigInt(INNER.syntheticV4.prefix),
  6: 128n - BigInt(INNER.syntheticV6.prefix),
};

/** Whether an address is for names, given out or not. The sandbox's own, at the start of the pools, are not. */
export const standsForName = ({ family, value }: Address): boolean =>
  value >> BITS[family] === POOL[family] >> BITS[family] && value >= POOL[family] + FIRST;
