/**
 * "May this program send this request?" Deny rules first, of every endpoint that is about the host, the port, the path
 * and the program; then any allow rule of one of them; then no. The endpoint whose path is most specific says what
 * becomes of a request that is not allowed.
 */
import type { EndpointInspection } from '../plan/plan.ts';
import { ApplicableRules, type Member } from './applicable-rules.ts';
import type { Asked, AskedItem } from './asked.ts';
import { askedText, wantedRule } from './asked-text.ts';
import { type EgressIndex, referenceOf } from './egress-index.ts';
import { Grants, grantsOf } from './grants.ts';
import type { PlacedRule } from './placed-rule.ts';
import type { RequestFacts } from './request-facts.ts';
import { type RequestIndex, requestIndexes } from './request-index.ts';
import type { RequestRefusal, RequestVerdict, Selected, WantedRule } from './request-verdict.ts';
import { shown } from './shown.ts';
import type { Destination, Query, RuleReference } from './verdict.ts';

export interface RequestQuery extends Query {
  readonly facts: RequestFacts;
}

/** What a decision cost; only tests give one. */
export interface RequestWork {
  /** Places in trees, and rules and endpoints that were looked at. */
  steps: number;
}

/** Judges a request on a connection that `isInspected`; where no endpoint judges any, the answer is no. */
export const decideRequest = (index: EgressIndex, query: RequestQuery, work?: RequestWork): RequestVerdict =>
  judge(
    index,
    query,
    work === undefined ? grantsOf(index, query.identity) : new Grants(index, query.identity),
    work,
  );

/**
 * The same for whatever program some policy names: a deny rule for any of them counts. What `expect` entries and
 * `explain` ask when they name none; never for a real request.
 */
export const decideRequestForAny = (index: EgressIndex, query: AnyQuery): RequestVerdict =>
  judge(index, query, new Grants(index, null));

type AnyQuery = Destination & Pick<RequestQuery, 'facts'>;

function judge(index: EgressIndex, query: AnyQuery, grants: Grants, work?: RequestWork): RequestVerdict {
  const visit =
    work === undefined
      ? undefined
      : () => {
          work.steps += 1;
        };
  const { facts } = query;
  const tables = requestIndexes(index, query, visit);
  const members = tables.flatMap((table) => membersAt(table, facts.components, grants, visit));
  const chosen = select(members);
  if (chosen === null) return outside(tables, query, grants);
  const { like } = chosen.group;
  const selected: Selected = {
    rule: referenceOf(chosen.owner),
    policyName: chosen.owner.policy.policy.name,
    endpoint: chosen.owner.endpoint,
  };
  if (facts.encodedSlash && !like.allowEncodedSlash) {
    const message = `the path holds an escaped slash (\`%2F\`), and policy \`${selected.rule.policy}\` has no \`allow_encoded_slash: true\` there`;
    return refusal(selected, 'enforce', {
      reason: 'path_invalid',
      message,
      rule: selected.rule,
      wanted: null,
    });
  }
  const rules = new ApplicableRules(tables, members, chosen.group, facts, grants, visit);
  const denying = rules.deniedHead();
  const refuseHead = (rule: PlacedRule) => refusal(selected, like.enforcement, denied(rule, what(facts)));
  // What an audit sends all the same must be readable, so it is read first.
  if (denying !== null && like.enforcement === 'enforce') return refuseHead(denying);
  const reading = rules.reading();
  if (reading !== null && facts.asked === null) return { kind: 'unread', reading, selected };
  if (denying !== null) return refuseHead(denying);
  const allowing = rules.allowedHead();
  if (reading !== null) return judgeAsked(rules, facts.asked!, allowing, selected, like.enforcement);
  return allowing === null
    ? refusal(selected, like.enforcement, notAllowed(selected, what(facts)))
    : allow(allowing, selected);
}

/** What is asked for by the names of the protocol: every item must be allowed, and no deny rule be about any. */
function judgeAsked(
  rules: ApplicableRules,
  asked: Asked,
  head: PlacedRule | null,
  selected: Selected,
  enforcement: Enforcement,
): RequestVerdict {
  if (asked.kind === 'control')
    return { kind: 'allow', rule: head === null ? selected.rule : ruleReference(head), selected };
  for (const item of asked.items) {
    const denying = rules.deniedItem(item);
    if (denying !== null) return refusal(selected, enforcement, denied(denying, askedText(item)));
  }
  let first: PlacedRule | null = null;
  for (const item of asked.items) {
    const hidden = isUnknown(item) && rules.deniesItems;
    const allowing = hidden ? null : (head ?? rules.allowedItem(item));
    if (allowing === null) {
      // A deny rule may be about what cannot be seen, so an audit does not send it either.
      const refused = notAllowed(selected, askedText(item), wantedRule(item));
      return refusal(selected, hidden ? 'enforce' : enforcement, refused);
    }
    first ??= allowing;
  }
  if (first !== null) return allow(first, selected);
  return refusal(selected, enforcement, notAllowed(selected, what(rules.facts)));
}

const isUnknown = (item: AskedItem): boolean => item.kind === 'operation' && item.type === null;

type Enforcement = EndpointInspection['enforcement'];
type Refused = Pick<RequestRefusal, 'reason' | 'message' | 'rule' | 'wanted'>;

const refusal = (selected: Selected, enforcement: Enforcement, refused: Refused): RequestRefusal => ({
  kind: enforcement === 'audit' ? 'audit' : 'deny',
  ...refused,
  selected,
});

const denied = (rule: PlacedRule, about: string): Refused => ({
  reason: 'request_denied_by_rule',
  message: `a deny rule of policy \`${rule.policy.policy.key}\` is about ${about}`,
  rule: ruleReference(rule),
  wanted: null,
});

const notAllowed = ({ rule }: Selected, about: string, wanted: WantedRule | null = null): Refused => ({
  reason: 'request_not_allowed',
  message: `no rule of policy \`${rule.policy}\` allows ${about}`,
  rule,
  wanted,
});

const allow = (rule: PlacedRule, selected: Selected): RequestVerdict => ({
  kind: 'allow',
  rule: ruleReference(rule),
  selected,
});

/** Groups whose selector matches, as far as they are meant for the program. */
function membersAt(
  table: RequestIndex,
  components: readonly string[],
  grants: Grants,
  visit?: () => void,
): Member[] {
  return table.groups.find(components, visit).flatMap((groups) =>
    [...groups].flatMap((group) => {
      const owner = group.endpoints.first(grants, () => true, visit);
      return owner === null ? [] : [{ group, owner }];
    }),
  );
}

/** The most specific; of several, which a checked policy has only if they agree, the strictest, then the first. */
function select(members: readonly Member[]): Member | null {
  let best: Member | null = null;
  for (const member of members) if (best === null || compare(member, best) < 0) best = member;
  return best;
}

const compare = (a: Member, b: Member): number =>
  b.group.specificity - a.group.specificity ||
  Number(a.group.like.enforcement === 'audit') - Number(b.group.like.enforcement === 'audit') ||
  Number(a.group.like.allowEncodedSlash) - Number(b.group.like.allowEncodedSlash) ||
  a.owner.policy.order - b.owner.policy.order ||
  a.owner.endpoint.index - b.owner.endpoint.index;

/** No selector matches. That is no matter of rules, so no endpoint can turn it into an audit. */
function outside(
  tables: readonly RequestIndex[],
  { facts, host, port }: AnyQuery,
  grants: Grants,
): RequestVerdict {
  for (const { endpoints } of tables) {
    const near = endpoints.first(grants, () => true);
    if (near === null) continue;
    const message = `no endpoint of ${host.text}:${port} has a \`path\` that covers ${shown(facts.path)}`;
    return {
      kind: 'deny',
      reason: 'request_not_allowed',
      message,
      rule: referenceOf(near),
      selected: null,
      wanted: null,
    };
  }
  const message = `no endpoint of ${host.text}:${port} judges requests of this program`;
  return { kind: 'deny', reason: 'request_not_allowed', message, rule: null, selected: null, wanted: null };
}

const what = ({ method, path }: RequestFacts): string => `${method} ${shown(path)}`;

const ruleReference = ({ owner, rule }: PlacedRule): RuleReference => ({
  ...referenceOf(owner),
  line: rule.line ?? owner.endpoint.line,
});
