/** A rule with the endpoint that it stands in, and the order of rules. */
import type { IndexedEndpoint, IndexedPolicy } from './egress-index.ts';

export interface PlacedRule<
  Rule extends { readonly line: number | null } = { readonly line: number | null },
> {
  readonly policy: IndexedPolicy;
  readonly owner: IndexedEndpoint;
  readonly rule: Rule;
  /** Place among the rules of its kind in the endpoint. */
  readonly place: number;
}

export type RuleKind = 'allow' | 'deny';

/** The one that comes first, by policies, endpoints and rules. */
export function earlier<T extends PlacedRule>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  const order =
    a.policy.order - b.policy.order || a.owner.endpoint.index - b.owner.endpoint.index || a.place - b.place;
  return order <= 0 ? a : b;
}
