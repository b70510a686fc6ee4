/** Things of policies, in their order, of which the first that is meant for a program is wanted. */
import type { IndexedPolicy } from './egress-index.ts';
import { type Grants, MANY } from './grants.ts';

interface OfPolicy {
  readonly policy: IndexedPolicy;
}

export class ByPolicy<T extends OfPolicy> {
  readonly #all: T[] = [];
  readonly #byPolicy = new Map<number, T[]>();

  /** To be called in the order of the policies. */
  add(entry: T): void {
    this.#all.push(entry);
    const same = this.#byPolicy.get(entry.policy.order);
    if (same === undefined) this.#byPolicy.set(entry.policy.order, [entry]);
    else same.push(entry);
  }

  /** `visit` counts the entries that were looked at. */
  first(grants: Grants, fits: (entry: T) => boolean, visit?: () => void): T | null {
    for (const entry of this.#narrow(grants, visit)) {
      visit?.();
      if (grants.of(entry.policy) !== null && fits(entry)) return entry;
    }
    return null;
  }

  /** Of many entries only those whose policy may be meant. */
  *#narrow(grants: Grants, visit?: () => void): Iterable<T> {
    const orders = this.#byPolicy.size > MANY ? grants.orders(visit) : null;
    if (orders === null || orders.length >= this.#byPolicy.size) yield* this.#all;
    else for (const order of orders) yield* this.#byPolicy.get(order) ?? [];
  }
}
