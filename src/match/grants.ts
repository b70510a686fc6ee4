/** Which policies mean the program that asks: each is looked at once, and only when it is asked about. */
import { matchBinary } from './binary.ts';
import type { EgressIndex, IndexedPolicy } from './egress-index.ts';
import type { BinaryIdentity } from './identity.ts';
import type { Candidate } from './verdict.ts';

export type Grant = NonNullable<Candidate['granted']>;

/** What more entries than this share is narrowed by binary first. */
export const MANY = 16;

export class Grants {
  readonly #index: EgressIndex;
  readonly #identity: BinaryIdentity | null;
  readonly #answers = new Map<IndexedPolicy, Grant | null>();
  #orders: readonly number[] | null = null;

  /** @param identity null: whatever program each policy names, which is for questions only, never for a real connection */
  constructor(index: EgressIndex, identity: BinaryIdentity | null) {
    this.#index = index;
    this.#identity = identity;
  }

  /** Policies that were asked about. */
  get size(): number {
    return this.#answers.size;
  }

  of(policy: IndexedPolicy): Grant | null {
    let answer = this.#answers.get(policy);
    if (answer === undefined) {
      answer = grantOf(policy, this.#identity);
      this.#answers.set(policy, answer);
    }
    return answer;
  }

  /** Orders of the policies that may grant, ascending; `visit` counts the globs that were tried. */
  orders(visit?: () => void): readonly number[] {
    this.#orders ??=
      this.#identity === null
        ? this.#index.policies.map(({ order }) => order)
        : this.#index.binaries.policiesFor(this.#identity, visit);
    return this.#orders;
  }
}

/** Policies that a caller's grants are kept of: those of the few hosts that it asks for again and again. */
const MAX_KEPT = 64;
/** A cache, no state: rules and identities are values that do not change. It goes with the caller. */
const kept = new WeakMap<BinaryIdentity, { readonly index: EgressIndex; readonly grants: Grants }>();

/** The grants of a caller that asks often. */
export function grantsOf(index: EgressIndex, identity: BinaryIdentity): Grants {
  const known = kept.get(identity);
  if (known?.index === index && known.grants.size <= MAX_KEPT) return known.grants;
  const grants = new Grants(index, identity);
  kept.set(identity, { index, grants });
  return grants;
}

function grantOf(policy: IndexedPolicy, identity: BinaryIdentity | null): Grant | null {
  if (identity === null) {
    const [any] = policy.binaries;
    return any === undefined ? null : { binary: any.entry, path: any.entry.pattern };
  }
  for (const rule of policy.binaries) {
    const match = matchBinary(rule, identity);
    if (typeof match !== 'string') return { binary: rule.entry, path: match.path };
  }
  return null;
}
