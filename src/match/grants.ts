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
