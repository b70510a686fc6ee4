/** Rules about operations of GraphQL: found by type, then by a root field, or by the operation's name. */
import type { OperationRule } from '../plan/messages.ts';
import type { Operation } from './asked.ts';
import { ByPolicy } from './by-policy.ts';
import type { IndexedEndpoint } from './egress-index.ts';
import type { Grants } from './grants.ts';
import { earlier, type PlacedRule, type RuleKind } from './placed-rule.ts';
import { matcherOf, type TextMatcher, TextRules } from './text-rules.ts';

interface Entry extends PlacedRule<OperationRule> {
  readonly name: TextMatcher | null;
  readonly field: TextMatcher | null;
}

export class OperationRules {
  readonly #kind: RuleKind;
  readonly #byType = new Map<OperationRule['type'], RulesOfType>();

  constructor(kind: RuleKind) {
    this.#kind = kind;
  }

  get isEmpty(): boolean {
    return this.#byType.size === 0;
  }

  add(owner: IndexedEndpoint, rule: OperationRule, place: number): void {
    const name = rule.name === null ? null : matcherOf([rule.name], this.#kind);
    const field = rule.fields.length === 0 ? null : matcherOf(rule.fields, this.#kind);
    // An allow rule that cannot be read allows nothing; a deny rule is rather about more than it says.
    const unread = (name === null && rule.name !== null) || (field === null && rule.fields.length > 0);
    if (unread && this.#kind === 'allow') return;
    const rules = this.#byType.get(rule.type) ?? new RulesOfType(this.#kind);
    this.#byType.set(rule.type, rules);
    rules.add({ policy: owner.policy, owner, rule, place, name, field });
  }

  /** The first rule that matches; none does where it is not known what would run. */
  first(operation: Operation, grants: Grants, visit?: () => void): PlacedRule | null {
    if (operation.type === null) return null;
    let found: PlacedRule | null = null;
    for (const type of [operation.type, '*'] as const)
      found = earlier(found, this.#byType.get(type)?.first(operation, grants, visit) ?? null);
    return found;
  }
}

class RulesOfType {
  readonly #kind: RuleKind;
  readonly #byField: TextRules<Entry>;
  readonly #byName: TextRules<Entry>;
  readonly #others = new ByPolicy<Entry>();

  constructor(kind: RuleKind) {
    this.#kind = kind;
    this.#byField = new TextRules(kind);
    this.#byName = new TextRules(kind);
  }

  add(entry: Entry): void {
    const { rule, field, name } = entry;
    if (field !== null) for (const pattern of rule.fields) this.#byField.add(pattern, entry);
    else if (name !== null) this.#byName.add(rule.name!, entry);
    else this.#others.add(entry);
  }

  first(operation: Operation, grants: Grants, visit?: () => void): Entry | null {
    const fits = (entry: Entry): boolean => this.#fits(entry, operation);
    let found = this.#others.first(grants, fits, visit);
    if (operation.name !== null)
      found = earlier(found, this.#byName.first(operation.name, grants, fits, visit));
    // Every field must match what an allow rule says, so the first tells as much as any.
    for (const field of this.#kind === 'allow' ? operation.fields.slice(0, 1) : operation.fields)
      found = earlier(found, this.#byField.first(field, grants, fits, visit));
    return found;
  }

  #fits({ name, field }: Entry, operation: Operation): boolean {
    if (name !== null && (operation.name === null || !name(operation.name))) return false;
    if (field === null) return true;
    if (operation.fields.length === 0) return false;
    return this.#kind === 'allow' ? operation.fields.every(field) : operation.fields.some(field);
  }
}
