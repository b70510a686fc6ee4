/** Rules about calls of JSON-RPC and MCP: found by method, then by tool. */
import { isGlob, parseGlob } from '../base/glob.ts';
import type { CallRule } from '../plan/messages.ts';
import type { Call } from './asked.ts';
import { ByPolicy } from './by-policy.ts';
import type { IndexedEndpoint } from './egress-index.ts';
import type { Grants } from './grants.ts';
import { PathTree } from './path-tree.ts';
import { earlier, type PlacedRule, type RuleKind } from './placed-rule.ts';
import { matcherOf, type TextMatcher, TextRules } from './text-rules.ts';

interface Entry extends PlacedRule<CallRule> {
  readonly tool: TextMatcher | null;
}

export class CallRules {
  readonly #kind: RuleKind;
  /** `*` stands for any method. */
  readonly #byMethod = new Map<string, RulesOfMethod>();
  readonly #byPattern = new PathTree<RulesOfMethod>();
  readonly #ofCore: RulesOfMethod;
  #empty = true;

  constructor(kind: RuleKind) {
    this.#kind = kind;
    this.#ofCore = new RulesOfMethod(kind);
  }

  get isEmpty(): boolean {
    return this.#empty;
  }

  add(owner: IndexedEndpoint, rule: CallRule, place: number): void {
    const tool = rule.tools === null ? null : matcherOf(rule.tools, this.#kind);
    if (tool === null && rule.tools !== null && this.#kind === 'allow') return;
    this.#empty = false;
    const entry: Entry = { policy: owner.policy, owner, rule, place, tool };
    for (const rules of this.#placesOf(rule.method)) rules.add(entry);
  }

  first(call: Call, grants: Grants, visit?: () => void): PlacedRule | null {
    const places = [this.#byMethod.get(call.method), this.#byMethod.get('*')];
    if (call.core) places.push(this.#ofCore);
    // Patterns allow what the revision knows; a method that some extension adds must be named.
    if (call.core || this.#kind === 'deny')
      places.push(...this.#byPattern.find(call.method.split('/'), visit));
    let found: PlacedRule | null = null;
    for (const rules of places) found = earlier(found, rules?.first(call, grants, visit) ?? null);
    return found;
  }

  #placesOf(method: string | null): readonly RulesOfMethod[] {
    if (method === null) return [this.#ofCore];
    const parsed = method !== '*' && isGlob(method) ? parseGlob(method, '/') : null;
    if (parsed?.ok === true)
      return parsed.value.map((pattern) => this.#byPattern.at(pattern, () => new RulesOfMethod(this.#kind)));
    // A checked policy has no pattern that cannot be read.
    const key = parsed !== null && this.#kind === 'deny' ? '*' : method;
    const rules = this.#byMethod.get(key) ?? new RulesOfMethod(this.#kind);
    this.#byMethod.set(key, rules);
    return [rules];
  }
}

class RulesOfMethod {
  readonly #byTool: TextRules<Entry>;
  readonly #others = new ByPolicy<Entry>();

  constructor(kind: RuleKind) {
    this.#byTool = new TextRules(kind);
  }

  add(entry: Entry): void {
    const { tools } = entry.rule;
    if (entry.tool === null || tools === null || tools.length === 0) this.#others.add(entry);
    else for (const pattern of tools) this.#byTool.add(pattern, entry);
  }

  first(call: Call, grants: Grants, visit?: () => void): Entry | null {
    const fits = ({ rule, tool }: Entry): boolean =>
      rule.tools === null ||
      tool === null ||
      (call.tool === null ? rule.tools.length === 0 : tool(call.tool));
    const found = this.#others.first(grants, fits, visit);
    return call.tool === null ? found : earlier(found, this.#byTool.first(call.tool, grants, fits, visit));
  }
}
