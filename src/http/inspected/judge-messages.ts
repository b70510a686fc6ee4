/**
 * Messages on a WebSocket, judged with the path and the query of the request that opened it, by the rules that hold when
 * they come. A text message is `WEBSOCKET_TEXT`. Nobody reads a binary message, so only a rule for every method allows it,
 * and only where the same as text would be allowed.
 */
import type { Draft, RuleReference } from '../../event/event.ts';
import { REFUSALS, type RefusalKind } from '../../event/refusal.ts';
import { decide } from '../../match/decide.ts';
import { decideRequest } from '../../match/decide-request.ts';
import type { EgressIndex } from '../../match/egress-index.ts';
import type { BinaryIdentity } from '../../match/identity.ts';
import type { ProxyContext } from '../authorise.ts';
import type { Authority } from '../request-target.ts';
import type { ClientRules } from '../websocket/from-client.ts';
import { type Allowed, requestDraft } from './judge.ts';

export interface WebSocketJudge extends ClientRules {
  /** Whether the request that opened it would be allowed now. */
  stillAllowed(): boolean;
}

type Verdict = {
  readonly action: 'allow' | 'deny' | 'audit';
  readonly reason: Draft['reason'];
  readonly rule: RuleReference | null;
  /** What the client is told when it is refused. */
  readonly why: string;
};

const TEXT = 'WEBSOCKET_TEXT';
const BINARY = 'WEBSOCKET_BINARY';

export function webSocketJudge(
  context: Pick<ProxyContext, 'index' | 'emit'>,
  authority: Authority,
  identity: BinaryIdentity,
  { facts, process }: Pick<Allowed, 'facts' | 'process'>,
): WebSocketJudge {
  const { host, port } = authority;
  const judge = (index: EgressIndex, method: string): Verdict => {
    const query = { host, port, identity };
    const destination = decide(index, query);
    if (destination.kind === 'deny') return denied(destination.reason, destination.message, destination.rule);
    const verdict = decideRequest(index, { ...query, facts: { ...facts, method } });
    const { selected, rule } = verdict;
    if (selected?.endpoint.inspection?.protocol !== 'websocket')
      return denied('request_not_allowed', 'the endpoint is about no WebSocket any more', rule);
    if (verdict.kind === 'allow') return { action: 'allow', reason: 'allowed', rule, why: '' };
    return { ...denied(verdict.reason, verdict.message, rule), action: verdict.kind };
  };
  const judgeBinary = (index: EgressIndex): Verdict => {
    const binary = judge(index, BINARY);
    if (binary.action === 'deny') return binary;
    const text = judge(index, TEXT);
    return text.action === 'allow' ? binary : text;
  };
  const tell = (method: string, { action, reason, rule }: Verdict): void =>
    context.emit(requestDraft(action, reason, rule, authority, { method, path: facts.path }, process));
  const text = remembered(
    context,
    (index) => judge(index, TEXT),
    (verdict) => tell(TEXT, verdict),
  );
  const binary = remembered(context, judgeBinary, (verdict) => tell(BINARY, verdict));
  return {
    judgeText: (bytes) => {
      const verdict = text();
      return verdict.action === 'deny' ? { kind: 'refuse', why: verdict.why } : { kind: 'pass', text: bytes };
    },
    judgeBinary: () => {
      const verdict = binary();
      return verdict.action === 'deny' ? { kind: 'refuse', why: verdict.why } : { kind: 'pass' };
    },
    stillAllowed: () => judge(context.index(), facts.method).action !== 'deny',
  };
}

/** Equal messages get equal verdicts, as long as the rules are the same: that they are allowed is told once. */
function remembered(
  context: Pick<ProxyContext, 'index'>,
  judge: (index: EgressIndex) => Verdict,
  tell: (verdict: Verdict) => void,
): () => Verdict {
  let known: { readonly index: EgressIndex; readonly verdict: Verdict } | null = null;
  return () => {
    const index = context.index();
    const isNew = known?.index !== index;
    if (isNew) known = { index, verdict: judge(index) };
    const { verdict } = known!;
    if (isNew || verdict.action !== 'allow') tell(verdict);
    return verdict;
  };
}

function denied(kind: RefusalKind, message: string, rule: RuleReference | null): Verdict {
  const { code, reason } = REFUSALS[kind];
  return { action: 'deny', reason, rule, why: `${code} ${message}` };
}
