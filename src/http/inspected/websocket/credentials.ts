/** Credentials of one WebSocket: in the request that asks for it, in the client's text, and nowhere in the server's. */
import type { IncomingMessage } from 'node:http';
import { ok, type Result } from '../../../base/result.ts';
import { REFUSALS } from '../../../event/refusal.ts';
import type { Mask } from '../../../inject/mask.ts';
import type { InjectionProblem } from '../../../inject/problem.ts';
import { endToEndRequest } from '../../headers.ts';
import type { BinaryJudgement, TextJudgement } from '../../websocket/from-client.ts';
import type { Allowed } from '../judge.ts';
import type { Pipeline, Route } from '../pipeline.ts';
import { requestDraft } from '../request-event.ts';

export interface WebSocketCredentials {
  readonly head: { readonly target: string; readonly headers: readonly string[] };
  /** Null: the server is sent nothing that could come back. */
  readonly mask: Mask | null;
  /** Refuses binary messages, in which nobody can look for placeholders; null: the rules say. */
  readonly refuseBinary: (() => BinaryJudgement) | null;
  /** Fills a text that may be sent; null: no credential was given. */
  readonly fill: ((judgement: TextJudgement) => Promise<TextJudgement>) | null;
}

export async function credentialsOf(
  { context, injector }: Pipeline,
  { authority, secure }: Route,
  { facts, selected, process }: Allowed,
  request: IncomingMessage,
): Promise<Result<WebSocketCredentials, InjectionProblem>> {
  const { target } = facts;
  const headers = endToEndRequest(request.rawHeaders);
  if (injector === null) return ok({ head: { target, headers }, mask: null, refuseBinary: null, fill: null });
  const tell = (kind: InjectionProblem['kind'], method: string): void =>
    context.emit(
      requestDraft(
        'deny',
        REFUSALS[kind].reason,
        selected.rule,
        authority,
        { method, path: facts.path },
        process,
      ),
    );
  const credential = selected.endpoint.inspection?.credential ?? null;
  const prepared = await injector.prepare({
    credential,
    method: 'GET',
    target,
    headers,
    tls: secure,
    host: authority.host.text,
    port: authority.port,
    hasBody: false,
  });
  if (!prepared.ok) return prepared;
  const { mask } = prepared.value;
  return ok({
    head: prepared.value,
    mask,
    refuseBinary:
      credential === null || credential.uninspected
        ? null
        : () => {
            tell('credential_body_unreadable', 'WEBSOCKET_BINARY');
            return UNREADABLE;
          },
    fill: async (judgement) => {
      if (judgement.kind !== 'pass') return judgement;
      const text = judgement.text.toString('utf8');
      const filled = await injector.message(text, credential, secure);
      if (!filled.ok) tell(filled.error.kind, 'WEBSOCKET_TEXT');
      if (!filled.ok) return { kind: 'refuse', code: 1008, why: CLOSE_REASON[filled.error.kind] ?? REFUSED };
      return filled.value === text ? judgement : { kind: 'pass', text: Buffer.from(filled.value) };
    },
  });
}

const REFUSED = 'credential placeholder not allowed';
/** OpenShell's words where it has some. */
const CLOSE_REASON: Partial<Record<InjectionProblem['kind'], string>> = {
  credential_endpoint_mismatch: 'credential endpoint mismatch',
};
const UNREADABLE: BinaryJudgement = {
  kind: 'refuse',
  code: 1008,
  why: 'binary messages are not allowed where a credential is bound',
};
