/** One request on a connection that is looked at: is it one, is it for this host, may it be sent. One event (INV-04). */
import { processOf } from '../../egress/decision-event.ts';
import type { Candidates } from '../../egress/destination.ts';
import type { ProcessReference, RuleReference } from '../../event/event.ts';
import type { RefusalKind } from '../../event/refusal.ts';
import { allAllowed, failed } from '../../guard/guard.ts';
import { requestInputs } from '../../guard/input.ts';
import { requestFactsAgain } from '../../inspect/recent-heads.ts';
import { decideAgain } from '../../match/decided-before.ts';
import type { RequestFacts } from '../../match/request-facts.ts';
import type { Selected, WantedRule } from '../../match/request-verdict.ts';
import type { ProxyContext, Refused } from '../authorise.ts';
import type { ProxyConnection } from '../connections.ts';
import { type Authority, namesAuthority } from '../request-target.ts';
import type { RequestToJudge } from './client-exchange.ts';
import type { HeldBytes } from './content.ts';
import { notPermitted, refuse as refuseRequest } from './refusing.ts';
import { requestDraft } from './request-event.ts';
import { decideSighted, type Seen } from './sighted.ts';

/** A request that may be sent: as `facts` say, and in no other form. */
export interface Allowed {
  readonly facts: RequestFacts;
  /** The body that was judged, to be sent as it is; null: none was. */
  readonly held: Buffer | null;
  readonly formOf: Seen['formOf'];
  readonly selected: Selected;
  /** Endpoints that allow the destination: what its addresses are checked against. */
  readonly candidates: Candidates;
  readonly rule: RuleReference;
  readonly process: ProcessReference | null;
}

export type Judgement =
  | { readonly state: 'allowed'; readonly allowed: Allowed }
  | { readonly state: 'refused'; readonly refused: Refused }
  /** The client left before all had come. */
  | { readonly state: 'gone' };

interface Why {
  readonly kind: RefusalKind;
  readonly reason: string;
  readonly rule: RuleReference | null;
  readonly wanted?: WantedRule | null;
}

/** What stands against a request that rules allow; no endpoint can turn it into an audit. */
export type Objection = Omit<Why, 'rule'>;

/**
 * @param defaultPort of the scheme that the request came by
 * @param object looks at the endpoint that the request is for
 */
export async function judgeRequest(
  context: ProxyContext,
  connection: ProxyConnection,
  authority: Authority,
  client: RequestToJudge,
  defaultPort: number,
  bodies: HeldBytes,
  object: (selected: Selected) => Objection | null = () => null,
): Promise<Judgement> {
  const { host, port } = authority;
  const caller = connection.identity();
  const identity = caller instanceof Promise ? await caller : caller;
  const process = identity.ok ? processOf(identity.value) : identity.error.process;
  const refuse = (why: Why, path: string | null, seen?: Seen): Judgement => {
    const request = { authority, method: client.method, path, process, seen };
    const detail = notPermitted(request, 'by policy');
    return { state: 'refused', refused: refuseRequest(context, request, { ...why, detail }) };
  };
  const read = requestFactsAgain(client);
  if (!read.ok) {
    const { reason, detail } = read.error;
    return refuse({ kind: reason, reason: detail, rule: null }, null);
  }
  const facts = read.value;
  if (facts.authority !== null && !namesAuthority(facts.authority, authority, defaultPort)) {
    const reason = 'the request-target names another host or port than the connection is for';
    return refuse({ kind: 'authority_mismatch', reason, rule: null }, facts.path);
  }
  // It would be about the server, and no path could be judged.
  if (facts.path === '*')
    return refuse({ kind: 'path_invalid', reason: 'the target `*` is no path', rule: null }, '*');
  if (!identity.ok)
    return refuse({ kind: identity.error.reason, reason: identity.error.detail, rule: null }, facts.path);
  const who = identity.value;
  const index = context.index();
  const query = { host, port, identity: who };
  const destination = decideAgain(index, query);
  if (destination.kind === 'deny') {
    const { reason, message, rule } = destination;
    return refuse({ kind: reason, reason: message, rule }, facts.path);
  }
  const seen = decideSighted(index, { ...query, facts }, client, bodies);
  const sighted = seen instanceof Promise ? await seen : seen;
  if (sighted.kind === 'gone') return { state: 'gone' };
  if (sighted.kind === 'unreadable') {
    const { reason, detail, selected } = sighted;
    const why = object(selected) ?? { kind: reason, reason: detail };
    return refuse({ ...why, rule: selected.rule }, facts.path, sighted);
  }
  const { verdict, held, formOf } = sighted;
  if (verdict.kind === 'deny' || verdict.selected === null) {
    const { rule } = verdict;
    const why =
      verdict.kind === 'allow'
        ? ({ kind: 'request_not_allowed', reason: 'no endpoint is about it', rule } as const)
        : { kind: verdict.reason, reason: verdict.message, rule, wanted: verdict.wanted };
    return refuse(why, facts.path, sighted);
  }
  const { selected, rule } = verdict;
  const objection = object(selected);
  if (objection !== null) return refuse({ ...objection, rule: selected.rule }, facts.path, sighted);
  // Also what is only audited: a guardrail takes away, whatever the policy lets pass.
  if (context.guard !== null) {
    const inputs = requestInputs({ host, port, identity: who }, sighted.facts);
    const guarded =
      inputs === null
        ? failed('the request asks for too much at once')
        : await allAllowed(context.guard, inputs);
    if (!guarded.allow) {
      const { reason, detail } = guarded;
      return refuse({ kind: reason, reason: detail, rule: rule ?? selected.rule }, facts.path, sighted);
    }
  }
  // Another policy holds by now, and what was judged was judged by an earlier one: the client may ask anew.
  if (context.index() !== index) return { state: 'gone' };
  const decided = verdict.kind === 'audit' ? verdict.reason : 'allowed';
  const action = verdict.kind === 'audit' ? 'audit' : 'allow';
  context.emit(requestDraft(action, decided, rule, authority, facts, process, sighted.asked));
  const { candidates } = destination;
  return {
    state: 'allowed',
    allowed: { facts, held, formOf, selected, candidates, rule: rule ?? selected.rule, process },
  };
}
