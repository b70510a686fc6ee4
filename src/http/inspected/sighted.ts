/** A decision about a request that knows what is asked for: where rules are about that, the body is read first. */
import type { Soon } from '../../base/soon.ts';
import { grpcRefusal } from '../../event/grpc-refusal.ts';
import type { Refusal, RefusalKind } from '../../event/refusal.ts';
import { rpcRefusal } from '../../event/rpc-refusal.ts';
import { bodyNeeded, withBody } from '../../inspect/asked.ts';
import type { ProblemReason } from '../../inspect/request-problem.ts';
import { callersOf } from '../../inspect/rpc-callers.ts';
import { askedNames } from '../../match/asked-text.ts';
import { decideRequest, type RequestQuery } from '../../match/decide-request.ts';
import { decideRequestAgain } from '../../match/decided-before.ts';
import type { EgressIndex } from '../../match/egress-index.ts';
import type { RequestFacts } from '../../match/request-facts.ts';
import type { RequestUnread, RequestVerdict, Selected } from '../../match/request-verdict.ts';
import type { MessageRules } from '../../plan/messages.ts';
import type { RefusalForm } from '../authorise.ts';
import { valuesOf } from '../headers.ts';
import type { RequestToJudge } from './client-exchange.ts';
import { type HeldBody, type HeldBytes, holdBody } from './content.ts';

/** What was found out about a request, for events and for refusals in the caller's protocol. */
export interface Seen {
  readonly asked: readonly string[];
  /** A refusal in the protocol of whoever asked; null: as it is. */
  readonly formOf: ((kind: RefusalKind, refusal: Refusal) => RefusalForm) | null;
}

/** Kinds of refusals. */
type HoldingProblem = 'request_timeout' | 'too_many_bodies';

export type Sighted =
  | (Seen & {
      readonly kind: 'decided';
      readonly verdict: Exclude<RequestVerdict, RequestUnread>;
      /** With what is asked for, where that was read. */
      readonly facts: RequestFacts;
      /** What was judged; null: no body was looked at. */
      readonly held: Buffer | null;
    })
  /** To be refused whatever the enforcement is. */
  | (Seen & {
      readonly kind: 'unreadable';
      readonly reason: ProblemReason | HoldingProblem;
      readonly detail: string;
      readonly selected: Selected;
    })
  | { readonly kind: 'gone' };

const NOTHING = Buffer.alloc(0);

export function decideSighted(
  index: EgressIndex,
  query: RequestQuery,
  client: RequestToJudge,
  all: HeldBytes,
): Soon<Sighted> {
  const verdict = decideRequestAgain(index, query);
  if (verdict.kind !== 'unread') {
    const rules = verdict.selected?.endpoint.inspection?.messages ?? null;
    const form = rules === null ? null : formOf(rules, NOTHING);
    return { kind: 'decided', verdict, facts: query.facts, held: null, asked: [], formOf: form };
  }
  return decideRead(index, query, client, all, verdict);
}

async function decideRead(
  index: EgressIndex,
  query: RequestQuery,
  client: RequestToJudge,
  all: HeldBytes,
  { reading, selected }: RequestUnread,
): Promise<Sighted> {
  const unreadable = (reason: ProblemReason | HoldingProblem, detail: string, body: Buffer): Sighted => {
    return { kind: 'unreadable', reason, detail, selected, asked: [], formOf: formOf(reading, body) };
  };
  const needed = bodyNeeded(reading, query.facts);
  const body: HeldBody =
    needed === null ? { kind: 'whole', bytes: NOTHING } : await holdBody(client, needed.maxBytes, all);
  switch (body.kind) {
    case 'gone':
      return { kind: 'gone' };
    case 'too-large':
      return unreadable('body_too_large', `the body is longer than ${needed?.maxBytes} bytes`, NOTHING);
    case 'too-many':
      return unreadable('too_many_bodies', 'other bodies wait for a decision', NOTHING);
    case 'too-slow':
      return unreadable('request_timeout', 'the body took too long to arrive', NOTHING);
  }
  const { bytes } = body;
  // What travels on, and nothing else: what this hop drops says nothing to the server.
  const headers = (name: string): string[] => valuesOf(client.headers, name);
  const facts = await withBody(reading, query.facts, headers, bytes);
  if (!facts.ok) return unreadable(facts.error.reason, facts.error.detail, bytes);
  const decided = decideRequest(index, { ...query, facts: facts.value });
  // Facts that were read are never asked for again.
  if (decided.kind === 'unread')
    return unreadable('malformed_request', 'what is asked for cannot be found', bytes);
  return {
    kind: 'decided',
    verdict: decided,
    facts: facts.value,
    held: needed === null ? null : bytes,
    asked: facts.value.asked === null ? [] : askedNames(facts.value.asked),
    formOf: formOf(reading, bytes),
  };
}

function formOf({ kind: protocol }: MessageRules, body: Buffer): Seen['formOf'] {
  switch (protocol) {
    case 'graphql':
      return null;
    case 'grpc':
      return (kind, refusal) => ({ kind: 'grpc', headers: grpcRefusal(kind, refusal) });
    case 'json-rpc':
    case 'mcp':
      return (kind, refusal) => ({ kind: 'json', text: rpcRefusal(kind, refusal, callersOf(body)) });
  }
}
