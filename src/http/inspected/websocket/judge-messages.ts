/**
 * Messages on a WebSocket, judged with the path and the query of the request that opened it, by the rules that hold when
 * they come. A text message is `WEBSOCKET_TEXT`, and is read where rules are about operations of GraphQL. Nobody reads a
 * binary message, so only a rule for every method allows it, and only where any text would be allowed.
 */
import type { Draft, RuleReference } from '../../../event/event.ts';
import { REFUSALS, type RefusalKind } from '../../../event/refusal.ts';
import { allAllowed } from '../../../guard/guard.ts';
import { requestInputs } from '../../../guard/input.ts';
import { messageFacts, messageReader } from '../../../inspect/asked.ts';
import { askedNames } from '../../../match/asked-text.ts';
import { decide } from '../../../match/decide.ts';
import { decideRequest } from '../../../match/decide-request.ts';
import type { EgressIndex } from '../../../match/egress-index.ts';
import type { BinaryIdentity } from '../../../match/identity.ts';
import type { RequestFacts } from '../../../match/request-facts.ts';
import type { RequestUnread, RequestVerdict } from '../../../match/request-verdict.ts';
import type { ProxyContext } from '../../authorise.ts';
import type { Authority } from '../../request-target.ts';
import type { ClientRules, Refusal } from '../../websocket/from-client.ts';
import type { Allowed } from '../judge.ts';
import { requestDraft } from '../request-event.ts';

type Context = Pick<ProxyContext, 'index' | 'emit' | 'guard'>;

interface Verdict {
  readonly action: 'allow' | 'deny' | 'audit';
  readonly reason: Draft['reason'];
  readonly rule: RuleReference | null;
  /** What the client is told when it is refused. */
  readonly code: Refusal['code'];
  readonly why: string;
  /** By the names of the protocol; null: it asks for nothing, and there is nothing to tell. */
  readonly asked: readonly string[] | null;
}

/** Null: it passes. `stale`: other rules hold by now. */
type Outcome = Refusal | null | 'stale';

const BINARY = 'WEBSOCKET_BINARY';

/** Close codes, where they say more than that something was wrong. */
const BROKEN: ReadonlyMap<number, RefusalKind> = new Map([
  [1009, 'body_too_large'],
  [1013, 'too_many_bodies'],
]);

export class WebSocketJudge implements ClientRules {
  readonly #context: Context;
  readonly #authority: Authority;
  readonly #identity: BinaryIdentity;
  readonly #opened: Pick<Allowed, 'facts' | 'process'>;
  readonly #text: RequestFacts;
  readonly #binary: RequestFacts;
  readonly #known = new WeakMap<RequestFacts, { readonly index: EgressIndex; readonly verdict: Verdict }>();

  /** @param opened the request that opened it, as it was allowed */
  constructor(
    context: Context,
    authority: Authority,
    identity: BinaryIdentity,
    opened: Pick<Allowed, 'facts' | 'process'>,
  ) {
    this.#context = context;
    this.#authority = authority;
    this.#identity = identity;
    this.#opened = opened;
    this.#text = messageFacts(opened.facts);
    this.#binary = { ...this.#text, method: BINARY };
  }

  judgeText(text: Buffer): ReturnType<ClientRules['judgeText']> {
    const index = this.#context.index();
    const head = this.#remembered(index, this.#text, () => this.#decide(index, this.#text));
    const concluded =
      'reading' in head
        ? this.#read(index, head, text).then(({ verdict, facts }) =>
            this.#conclude(index, facts, verdict, true),
          )
        : this.#conclude(index, this.#text, head.verdict, head.isNew);
    const answer = (outcome: Outcome): ReturnType<ClientRules['judgeText']> => {
      if (outcome === 'stale') return this.judgeText(text);
      return outcome ?? { kind: 'pass', text };
    };
    return concluded instanceof Promise ? concluded.then(answer) : answer(concluded);
  }

  judgeBinary(): ReturnType<ClientRules['judgeBinary']> {
    const index = this.#context.index();
    const head = this.#remembered(index, this.#binary, () => this.#decideBinary(index));
    if ('reading' in head) throw new Error('internal error: a binary message is to be read');
    const concluded = this.#conclude(index, this.#binary, head.verdict, head.isNew);
    const answer = (outcome: Outcome): ReturnType<ClientRules['judgeBinary']> => {
      if (outcome === 'stale') return this.judgeBinary();
      return outcome ?? { kind: 'pass' };
    };
    return concluded instanceof Promise ? concluded.then(answer) : answer(concluded);
  }

  /** Tells that the client broke the protocol or a limit, which the relay has found. @param code that it was closed with */
  tellBroken(code: number | null): void {
    const { facts, process } = this.#opened;
    const { reason } =
      REFUSALS[code === null ? 'malformed_request' : (BROKEN.get(code) ?? 'malformed_request')];
    const message = { method: this.#text.method, path: facts.path };
    this.#context.emit(requestDraft('deny', reason, null, this.#authority, message, process));
  }

  /** Whether the request that opened it would be allowed now. */
  stillAllowed(): boolean {
    const verdict = this.#decide(this.#context.index(), this.#opened.facts);
    return !('reading' in verdict) && verdict.action !== 'deny';
  }

  /** Equal messages get equal verdicts, as long as the rules are the same and need not read them. */
  #remembered(
    index: EgressIndex,
    facts: RequestFacts,
    decideIt: () => Verdict | RequestUnread,
  ): { readonly verdict: Verdict; readonly isNew: boolean } | RequestUnread {
    const known = this.#known.get(facts);
    if (known?.index === index) return { verdict: known.verdict, isNew: false };
    const verdict = decideIt();
    if ('reading' in verdict) return verdict;
    this.#known.set(facts, { index, verdict });
    return { verdict, isNew: true };
  }

  #decide(index: EgressIndex, facts: RequestFacts): Verdict | RequestUnread {
    const { host, port } = this.#authority;
    const query = { host, port, identity: this.#identity };
    const destination = decide(index, query);
    if (destination.kind === 'deny') return denied(destination.reason, destination.message, destination.rule);
    const verdict = decideRequest(index, { ...query, facts });
    if (verdict.selected?.endpoint.inspection?.protocol !== 'websocket')
      return denied(
        'request_not_allowed',
        'the endpoint is about no WebSocket any more',
        verdict.selected?.rule ?? null,
      );
    return verdict.kind === 'unread' ? verdict : verdictOf(verdict, []);
  }

  #decideBinary(index: EgressIndex): Verdict | RequestUnread {
    const binary = this.#decide(index, this.#binary);
    if ('reading' in binary || binary.action === 'deny') return binary;
    const text = this.#decide(index, this.#text);
    if ('reading' in text)
      return denied(
        'request_not_allowed',
        'messages must be read, and a binary one is not',
        text.selected.rule,
      );
    return text.action === 'allow' ? binary : text;
  }

  /** The text is read for the operation that it starts. */
  async #read(
    index: EgressIndex,
    { reading, selected }: RequestUnread,
    text: Buffer,
  ): Promise<{ readonly verdict: Verdict; readonly facts: RequestFacts }> {
    if (reading.kind !== 'graphql') throw new Error('internal error: only GraphQL is read in messages');
    const refuse = (kind: RefusalKind, detail: string) => ({
      verdict: denied(kind, detail, selected.rule),
      facts: this.#text,
    });
    const { maxBodyBytes } = reading;
    if (text.length > maxBodyBytes)
      return refuse('body_too_large', `the message is longer than ${maxBodyBytes} bytes`);
    const reader = await messageReader(reading);
    const read = reader(this.#text, text.toString());
    if (!read.ok) return refuse(read.error.reason, read.error.detail);
    const facts = read.value;
    const { host, port } = this.#authority;
    const verdict = decideRequest(index, { host, port, identity: this.#identity, facts });
    if (verdict.kind === 'unread' || facts.asked === null)
      return refuse('malformed_request', 'what is asked for cannot be found');
    const asked = facts.asked.kind === 'control' ? null : askedNames(facts.asked);
    return { verdict: verdictOf(verdict, asked), facts };
  }

  /** Asks the guardrails, and tells what came of it. */
  #conclude(
    index: EgressIndex,
    facts: RequestFacts,
    verdict: Verdict,
    isNew: boolean,
  ): Outcome | Promise<Outcome> {
    const { guard } = this.#context;
    if (this.#context.index() !== index) return 'stale';
    if (guard === null || verdict.action === 'deny') return this.#tell(facts, verdict, isNew);
    const { host, port } = this.#authority;
    const inputs = requestInputs({ host, port, identity: this.#identity }, facts);
    if (inputs === null)
      return this.#tell(
        facts,
        denied('guardrail_failed', 'the message asks for too much', verdict.rule),
        true,
      );
    return allAllowed(guard, inputs).then((guarded) => {
      if (this.#context.index() !== index) return 'stale';
      if (guarded.allow) return this.#tell(facts, verdict, isNew);
      return this.#tell(facts, denied(guarded.reason, guarded.detail, verdict.rule), true);
    });
  }

  #tell({ method, path }: RequestFacts, verdict: Verdict, isNew: boolean): Refusal | null {
    const { action, reason, rule, code, why, asked } = verdict;
    const { process } = this.#opened;
    // That the same is allowed again and again is told once.
    if (action !== 'allow' || (isNew && asked !== null))
      this.#context.emit(
        requestDraft(action, reason, rule, this.#authority, { method, path }, process, asked ?? []),
      );
    return action === 'deny' ? { kind: 'refuse', code, why } : null;
  }
}

function verdictOf(verdict: Exclude<RequestVerdict, RequestUnread>, asked: Verdict['asked']): Verdict {
  const { rule } = verdict;
  if (verdict.kind === 'allow')
    return { action: 'allow', reason: 'allowed', rule, code: 1008, why: '', asked };
  return { ...denied(verdict.reason, verdict.message, rule), action: verdict.kind, asked };
}

function denied(kind: RefusalKind, message: string, rule: RuleReference | null): Verdict {
  const row = REFUSALS[kind];
  const code = kind === 'body_too_large' ? 1009 : 1008;
  return { action: 'deny', reason: row.reason, rule, code, why: `${row.code} ${message}`, asked: [] };
}
