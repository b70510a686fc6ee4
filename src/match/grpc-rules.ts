/** Rules about methods of gRPC: found by service, then by method. */
import { parseGlob } from '../base/glob.ts';
import type { GrpcRule } from '../plan/messages.ts';
import type { GrpcMethod } from './asked.ts';
import { ByPolicy } from './by-policy.ts';
import type { IndexedEndpoint } from './egress-index.ts';
import type { Grants } from './grants.ts';
import { PathTree } from './path-tree.ts';
import { earlier, type PlacedRule, type RuleKind } from './placed-rule.ts';

type Entry = PlacedRule<GrpcRule>;

export class GrpcMethodRules {
  readonly #kind: RuleKind;
  readonly #byService = new PathTree<Map<string, ByPolicy<Entry>>>();
  #empty = true;

  constructor(kind: RuleKind) {
    this.#kind = kind;
  }

  get isEmpty(): boolean {
    return this.#empty;
  }

  add(owner: IndexedEndpoint, rule: GrpcRule, place: number): void {
    const parsed = parseGlob(rule.service, '.');
    if (!parsed.ok && this.#kind === 'allow') return;
    this.#empty = false;
    for (const pattern of parsed.ok ? parsed.value : [['deep'] as const]) {
      const methods = this.#byService.at(pattern, () => new Map());
      const rules = methods.get(rule.method) ?? new ByPolicy<Entry>();
      methods.set(rule.method, rules);
      rules.add({ policy: owner.policy, owner, rule, place });
    }
  }

  first({ service, method }: GrpcMethod, grants: Grants, visit?: () => void): PlacedRule | null {
    let found: PlacedRule | null = null;
    for (const methods of this.#byService.find(service.split('.'), visit)) {
      for (const key of [method, '*'])
        found = earlier(found, methods.get(key)?.first(grants, () => true, visit) ?? null);
    }
    return found;
  }
}
