/**
 * "May this program send this request?" Deny rules first, of every endpoint that is about the host, the port, the path
 * and the program; then any allow rule of one of them; then no. The endpoint whose path is most specific says what
 * becomes of a request that is not allowed.
 */
import { type EgressIndex, type IndexedEndpoint, listedAt, referenceOf } from './egress-index.ts';
import { Grants } from './grants.ts';
import type { RequestFacts } from './request-facts.ts';
import { type RequestGroup, type RequestIndex, requestIndex } from './request-index.ts';
import { earlier, type RuleEntry } from './request-rules.ts';
import type { RequestDenyReason, RequestVerdict, Selected } from './request-verdict.ts';
import { shown } from './shown.ts';
import type { Query, RuleReference } from './verdict.ts';

export interface RequestQuery extends Query {
  readonly facts: RequestFacts;
}

/** What a decision cost; only tests give one. */
export interface RequestWork {
  /** Places in trees, and rules and endpoints that were looked at. */
  steps: number;
}

interface Member {
  readonly group: RequestGroup;
  /** The first endpoint of the group that is meant for the program. */
  readonly owner: IndexedEndpoint;
}

/** Judges a request on a connection that `isInspected`; where no endpoint judges any, the answer is no. */
export function decideRequest(index: EgressIndex, query: RequestQuery, work?: RequestWork): RequestVerdict {
  const visit =
    work === undefined
      ? undefined
      : () => {
          work.steps += 1;
        };
  const { facts } = query;
  const grants = new Grants(index, query.identity);
  const tables = index.mode === 'block' ? [] : listedAt(index, query, visit).map(requestIndex);
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
    return { kind: 'deny', reason: 'path_invalid', message, rule: selected.rule, selected };
  }
  const refuse = (reason: RequestDenyReason, message: string, rule: RuleReference): RequestVerdict => ({
    kind: like.enforcement === 'audit' ? 'audit' : 'deny',
    reason,
    message,
    rule,
    selected,
  });
  const denying = firstDeny(tables, facts, grants, visit);
  if (denying !== null) {
    const message = `a deny rule of policy \`${denying.policy.policy.key}\` is about ${what(facts)}`;
    return refuse('request_denied_by_rule', message, ruleReference(denying));
  }
  const allowing = firstAllow(members, chosen, facts, grants, visit);
  if (allowing !== null) return { kind: 'allow', rule: ruleReference(allowing), selected };
  const message = `no rule of policy \`${selected.rule.policy}\` allows ${what(facts)}`;
  return refuse('request_not_allowed', message, selected.rule);
}

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

function firstDeny(
  tables: readonly RequestIndex[],
  facts: RequestFacts,
  grants: Grants,
  visit?: () => void,
): RuleEntry | null {
  const readings = [facts.components, facts.lenient, facts.boldest].filter((reading) => reading !== null);
  let found: RuleEntry | null = null;
  for (const { denying } of tables) {
    const groups = new Set(
      readings.flatMap((reading) => denying.find(reading, visit).flatMap((some) => [...some])),
    );
    for (const { deny } of groups)
      for (const reading of readings) found = earlier(found, deny.first(reading, facts, grants, visit));
  }
  return found;
}

/** Rules of another protocol judge something else; an endpoint without `allow_encoded_slash` allows no such path. */
function firstAllow(
  members: readonly Member[],
  chosen: Member,
  facts: RequestFacts,
  grants: Grants,
  visit?: () => void,
): RuleEntry | null {
  let found: RuleEntry | null = null;
  for (const { group } of members) {
    if (group.like.protocol !== chosen.group.like.protocol) continue;
    if (facts.encodedSlash && !group.like.allowEncodedSlash) continue;
    found = earlier(found, group.allow.first(facts.components, facts, grants, visit));
  }
  return found;
}

/** No selector matches. That is no matter of rules, so no endpoint can turn it into an audit. */
function outside(
  tables: readonly RequestIndex[],
  { facts, host, port }: RequestQuery,
  grants: Grants,
): RequestVerdict {
  for (const { endpoints } of tables) {
    const near = endpoints.first(grants, () => true);
    if (near === null) continue;
    const message = `no endpoint of ${host.text}:${port} has a \`path\` that covers ${shown(facts.path)}`;
    return { kind: 'deny', reason: 'request_not_allowed', message, rule: referenceOf(near), selected: null };
  }
  const message = `no endpoint of ${host.text}:${port} judges requests of this program`;
  return { kind: 'deny', reason: 'request_not_allowed', message, rule: null, selected: null };
}

const what = ({ method, path }: RequestFacts): string => `${method} ${shown(path)}`;

const ruleReference = ({ owner, rule }: RuleEntry): RuleReference => ({
  ...referenceOf(owner),
  line: rule.line ?? owner.endpoint.line,
});
