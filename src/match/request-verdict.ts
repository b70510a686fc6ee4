/** The answer about one request. */
import type { MessageRules } from '../plan/messages.ts';
import type { EgressEndpoint } from '../plan/plan.ts';
import type { RuleReference } from './verdict.ts';

/** Reasons of src/event/event.ts that the facts of a request alone can give. */
export type RequestDenyReason = 'request_not_allowed' | 'request_denied_by_rule' | 'path_invalid';

/** The endpoint that a request is for: it says how it is read, and what a refusal comes to. */
export interface Selected {
  readonly rule: RuleReference;
  /** The policy's name for people. */
  readonly policyName: string;
  readonly endpoint: EgressEndpoint;
}

export type RequestVerdict =
  | { readonly kind: 'allow'; readonly rule: RuleReference; readonly selected: Selected }
  | RequestUnread
  | RequestRefusal;

/** Nothing may be sent yet: what is asked for must be found first, and be judged with the rest (`withAsked`). */
export interface RequestUnread {
  readonly kind: 'unread';
  readonly reading: MessageRules;
  readonly selected: Selected;
}

export interface RequestRefusal {
  /** `audit`: it is told of, and sent all the same. */
  readonly kind: 'deny' | 'audit';
  readonly reason: RequestDenyReason;
  /** For people: a clause without a full stop. */
  readonly message: string;
  /** `index` is the endpoint's; `line` that of the rule that decided, or of the endpoint when none allowed it. */
  readonly rule: RuleReference | null;
  /** Null: no endpoint is about the path. */
  readonly selected: Selected | null;
  /** Fields of a rule that would allow what was asked for by the names of the protocol; null: method and path say it. */
  readonly wanted: WantedRule | null;
}

export type WantedRule = Readonly<Record<string, string | readonly string[]>>;
