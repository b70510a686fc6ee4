/**
 * The allow rules, or the deny rules, of endpoints that have the same path selector: found by path, then by method, then
 * by a parameter whose value is written out.
 */
import { compileGlob, type Glob, type GlobComponent, isGlob, parseGlob } from '../base/glob.ts';
import type { RequestRule } from '../plan/plan.ts';
import { ByPolicy } from './by-policy.ts';
import type { IndexedEndpoint } from './egress-index.ts';
import type { Grants } from './grants.ts';
import { lenientPattern } from './lenient-path.ts';
import { PathTree } from './path-tree.ts';
import { earlier, type PlacedRule, type RuleKind } from './placed-rule.ts';
import type { RequestFacts } from './request-facts.ts';

export interface RuleEntry extends PlacedRule<RequestRule> {
  readonly query: readonly Parameter[];
}

interface Parameter {
  readonly name: string;
  readonly globs: readonly Glob[];
}

/** `**`: what a deny rule is about whose pattern cannot be read; a checked policy has none. */
const EVERYTHING: readonly (readonly GlobComponent[])[] = [['deep']];

export class RequestRules {
  readonly #kind: RuleKind;
  readonly #tree = new PathTree<Map<string, RulesOfMethod>>();
  #empty = true;

  constructor(kind: RuleKind) {
    this.#kind = kind;
  }

  get isEmpty(): boolean {
    return this.#empty;
  }

  add(owner: IndexedEndpoint, rule: RequestRule, place: number): void {
    const query = parameters(rule, this.#kind);
    const parsed = parseGlob(rule.path, '/');
    if (query === null || (!parsed.ok && this.#kind === 'allow')) return;
    this.#empty = false;
    const entry = { policy: owner.policy, owner, rule, query, place };
    for (const pattern of parsed.ok ? patternsOf(parsed.value, this.#kind) : EVERYTHING) {
      const methods = this.#tree.at(pattern, () => new Map());
      for (const method of methodsOf(rule.method)) {
        const rules = methods.get(method) ?? new RulesOfMethod(this.#kind);
        methods.set(method, rules);
        rules.add(entry);
      }
    }
  }

  /** The first rule that matches, in the order of policies, endpoints and rules. */
  first(
    components: readonly string[],
    facts: RequestFacts,
    grants: Grants,
    visit?: () => void,
  ): RuleEntry | null {
    let found: RuleEntry | null = null;
    for (const methods of this.#tree.find(components, visit)) {
      for (const method of [facts.method, '*']) {
        const entry = methods.get(method)?.first(facts, grants, visit) ?? null;
        found = earlier(found, entry);
      }
    }
    return found;
  }
}

/** Deny rules stand at a second place too, where servers read the path otherwise. */
export function patternsOf(
  alternatives: readonly (readonly GlobComponent[])[],
  kind: RuleKind,
): readonly (readonly GlobComponent[])[] {
  if (kind === 'allow') return alternatives;
  return alternatives.flatMap((pattern) => {
    const lenient = lenientPattern(pattern);
    return lenient === null ? [pattern] : [pattern, lenient];
  });
}

/** Who may GET may also ask with HEAD what a GET would answer; who may not, may neither. */
const methodsOf = (method: string): readonly string[] => (method === 'GET' ? ['GET', 'HEAD'] : [method]);

/** Null: the rule can match nothing. A deny rule is rather about more than it says. */
function parameters(rule: RequestRule, kind: RuleKind): readonly Parameter[] | null {
  const all: Parameter[] = [];
  for (const { name, anyOf } of rule.query) {
    const compiled = anyOf.map((pattern) => compileGlob(pattern, '.'));
    const globs = compiled.flatMap((glob) => (glob.ok ? [glob.value] : []));
    if (globs.length === compiled.length) all.push({ name, globs });
    else if (kind === 'allow') return null;
  }
  return all;
}

class RulesOfMethod {
  readonly #kind: RuleKind;
  /** Without parameters, and those whose parameters are patterns. */
  readonly #others = new ByPolicy<RuleEntry>();
  readonly #byParameter = new Map<string, ByPolicy<RuleEntry>>();

  constructor(kind: RuleKind) {
    this.#kind = kind;
  }

  add(entry: RuleEntry): void {
    const written = entry.query.find(({ globs }) => globs.every(({ pattern }) => !isGlob(pattern)));
    if (written === undefined) {
      this.#others.add(entry);
      return;
    }
    for (const { pattern } of written.globs) {
      const key = parameterKey(written.name, pattern);
      const rules = this.#byParameter.get(key) ?? new ByPolicy();
      this.#byParameter.set(key, rules);
      rules.add(entry);
    }
  }

  first(facts: RequestFacts, grants: Grants, visit?: () => void): RuleEntry | null {
    const fits = ({ query }: RuleEntry): boolean => query.every((one) => this.#matches(one, facts));
    let found = this.#others.first(grants, fits, visit);
    if (this.#byParameter.size === 0) return found;
    for (const [name, values] of facts.query) {
      // All values must match what an allow rule says, so the first tells as much as any.
      for (const value of this.#kind === 'allow' ? values.slice(0, 1) : new Set(values)) {
        const rules = this.#byParameter.get(parameterKey(name, value));
        found = earlier(found, rules?.first(grants, fits, visit) ?? null);
      }
    }
    return found;
  }

  #matches({ name, globs }: Parameter, { query }: RequestFacts): boolean {
    const values = query.get(name);
    if (values === undefined) return false;
    const matches = (value: string): boolean => globs.some((glob) => glob.test(value));
    return this.#kind === 'allow' ? values.every(matches) : values.some(matches);
  }
}

const parameterKey = (name: string, value: string): string => `${name}\u0000${value}`;
