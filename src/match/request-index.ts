/**
 * The endpoints of one host and port that judge requests, prepared for lookups: by path selector, then by rule. Made when
 * the first request comes, so that a start does not pay for it.
 */
import { type GlobComponent, parseGlob } from '../base/glob.ts';
import type { MessageRules } from '../plan/messages.ts';
import type { EndpointInspection } from '../plan/plan.ts';
import { ByPolicy } from './by-policy.ts';
import { type EgressIndex, type IndexedEndpoint, type Listed, listedAt } from './egress-index.ts';
import { MessageRulesIndex } from './message-rules.ts';
import { PathTree } from './path-tree.ts';
import { patternsOf, RequestRules } from './request-rules.ts';
import type { Destination } from './verdict.ts';

/** Endpoints that are about the same paths and treat what they refuse alike. */
export interface RequestGroup {
  readonly like: Pick<EndpointInspection, 'protocol' | 'enforcement' | 'allowEncodedSlash' | 'path'>;
  /** How what is asked for is found; the rules in it are those of one endpoint only. Null: the head says all. */
  readonly reading: MessageRules | null;
  /** Characters of the selector that are not `*`: the group with most of them is the one that a request is for. */
  readonly specificity: number;
  readonly endpoints: ByPolicy<IndexedEndpoint>;
  readonly allow: RequestRules;
  readonly deny: RequestRules;
  readonly allowMessages: MessageRulesIndex;
  readonly denyMessages: MessageRulesIndex;
}

export interface RequestIndex {
  readonly endpoints: ByPolicy<IndexedEndpoint>;
  readonly groups: PathTree<Set<RequestGroup>>;
  /** Those with deny rules, also where servers read the path otherwise. */
  readonly denying: PathTree<Set<RequestGroup>>;
}

/** A cache, no state: `listed` does not change once the egress index is built, and goes with it. */
const made = new WeakMap<Listed, RequestIndex>();

/** Hosts and ports that are remembered with what lists them. */
const MAX_PLACES = 256;
const places = new WeakMap<EgressIndex, Map<string, readonly RequestIndex[]>>();

/** What lists the host and port. `visit` counts the places that were looked at to find it; with it, nothing is remembered. */
export function requestIndexes(
  index: EgressIndex,
  destination: Destination,
  visit?: () => void,
): readonly RequestIndex[] {
  if (index.mode === 'block') return [];
  if (visit !== undefined) return listedAt(index, destination, visit).map(requestIndex);
  const known = places.get(index) ?? new Map<string, readonly RequestIndex[]>();
  const place = `${destination.host.text} ${destination.port}`;
  let found = known.get(place);
  if (found === undefined) {
    if (known.size >= MAX_PLACES) known.clear();
    found = listedAt(index, destination).map(requestIndex);
    places.set(index, known.set(place, found));
  }
  return found;
}

function requestIndex(listed: Listed): RequestIndex {
  const known = made.get(listed);
  if (known !== undefined) return known;
  const index = build(listed);
  made.set(listed, index);
  return index;
}

function build({ all }: Listed): RequestIndex {
  const endpoints = new ByPolicy<IndexedEndpoint>();
  const groups = new Map<string, RequestGroup>();
  for (const entry of all) {
    const { inspection } = entry.endpoint;
    if (inspection === null) continue;
    endpoints.add(entry);
    const group = groupOf(inspection, groups);
    group.endpoints.add(entry);
    for (const [place, rule] of inspection.allow.entries()) group.allow.add(entry, rule, place);
    for (const [place, rule] of inspection.deny.entries()) group.deny.add(entry, rule, place);
    if (inspection.messages === null) continue;
    group.allowMessages.add(entry, inspection.messages);
    group.denyMessages.add(entry, inspection.messages);
  }
  const index: RequestIndex = { endpoints, groups: new PathTree(), denying: new PathTree() };
  for (const group of groups.values()) {
    for (const pattern of selectors(group, 'allow')) index.groups.at(pattern, newSet).add(group);
    if (group.deny.isEmpty && group.denyMessages.isEmpty) continue;
    for (const pattern of selectors(group, 'deny')) index.denying.at(pattern, newSet).add(group);
  }
  return index;
}

const newSet = (): Set<RequestGroup> => new Set();

function groupOf(inspection: EndpointInspection, groups: Map<string, RequestGroup>): RequestGroup {
  const { protocol, enforcement, allowEncodedSlash, path, messages } = inspection;
  const reading = messages === null ? null : { ...messages, allow: [], deny: [] };
  const key = JSON.stringify([protocol, enforcement, allowEncodedSlash, path, reading]);
  const known = groups.get(key);
  if (known !== undefined) return known;
  const group: RequestGroup = {
    like: { protocol, enforcement, allowEncodedSlash, path },
    specificity: (path ?? '').replaceAll('*', '').length,
    endpoints: new ByPolicy(),
    allow: new RequestRules('allow'),
    deny: new RequestRules('deny'),
    reading: messages,
    allowMessages: new MessageRulesIndex('allow'),
    denyMessages: new MessageRulesIndex('deny'),
  };
  groups.set(key, group);
  return group;
}

/** A selector that cannot be read, which no checked policy has, selects nothing to allow and everything to deny. */
function selectors(group: RequestGroup, kind: 'allow' | 'deny'): readonly (readonly GlobComponent[])[] {
  const everything: readonly GlobComponent[] = ['deep'];
  if (group.like.path === null) return [everything];
  const parsed = parseGlob(group.like.path, '/');
  if (parsed.ok) return patternsOf(parsed.value, kind);
  return kind === 'allow' ? [] : [everything];
}
