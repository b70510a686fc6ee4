/** One decision: who asks, may they, where is it, can it be reached. Each leaves exactly one event (INV-04). */
import type { request as httpRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Address } from '../base/address.ts';
import { hostPort } from '../base/host-port.ts';
import { decisionDraft, processOf } from '../egress/decision-event.ts';
import type { DestinationProblem } from '../egress/destination.ts';
import type { Dialer, Dialled } from '../egress/dial.ts';
import type { IdentityProblem } from '../egress/identity.ts';
import type { Draft, ProcessReference, RuleReference } from '../event/event.ts';
import { REFUSALS, type Refusal, type RefusalFacts, type RefusalKind, refusalOf } from '../event/refusal.ts';
import type { Guard } from '../guard/guard.ts';
import { connectInput } from '../guard/input.ts';
import { decide } from '../match/decide.ts';
import type { EgressIndex } from '../match/egress-index.ts';
import type { BinaryIdentity } from '../match/identity.ts';
import { isInspected } from '../match/inspected.ts';
import type { Candidate } from '../match/verdict.ts';
import { servesInference } from '../plan/inference.ts';
import type { ProxyConnection, Via } from './connections.ts';
import type { ProxyLimits } from './limits.ts';
import type { Authority } from './request-target.ts';

export interface ProxyContext {
  /** The rules that hold now. */
  readonly index: () => EgressIndex;
  readonly dialer: Dialer;
  /** Asked about what the rules allow; null: none. */
  readonly guard: Pick<Guard, 'evaluate'> | null;
  readonly emit: (draft: Draft) => void;
  readonly limits: ProxyLimits;
  /** What looks at requests; null: no endpoint of the plan asks for it. */
  readonly inspection: (() => Promise<Inspection>) | null;
  /** Answers requests that are for the proxy itself; null: none are. */
  readonly local: LocalService | null;
  /** Of node:http, which only proxy.ts imports. */
  readonly request: typeof httpRequest;
  /** Told of errors that should not happen. */
  readonly onDefect: (error: unknown) => void;
}

/** Null: the request is none for it. */
export type LocalService = (request: {
  readonly method: string;
  /** Origin form. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
}) => { readonly status: number; readonly type: string; readonly body: string } | null;

/** Takes over connections and requests to endpoints whose requests are looked at, once a rule allows the destination. */
export interface Inspection {
  /** A connection to `authority`, which the caller is told is made; what came of it so far can be read again. */
  serve(connection: ProxyConnection, authority: Authority, via: Via): Promise<void>;
  /** One request in absolute form. */
  forward(
    connection: ProxyConnection,
    target: Authority,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void>;
  /** The same of one that asks for another protocol. */
  forwardUpgrade(
    connection: ProxyConnection,
    target: Authority,
    request: IncomingMessage,
    head: Buffer,
  ): Promise<void>;
  /** The rules are others: nothing that the old ones checked is used for a new request. */
  renew(): void;
  close(): Promise<void>;
}

export interface Asked extends Authority {
  readonly via: Via;
  readonly method: string;
  /** Without its query; null for CONNECT. */
  readonly path: string | null;
}

export interface Refused {
  readonly kind: RefusalKind;
  readonly body: Refusal;
  /** As the caller's protocol has it; absent: as it is. */
  readonly form?: RefusalForm;
}

export type RefusalForm =
  /** The status stays. */
  | { readonly kind: 'json'; readonly text: string }
  /** Headers of an answer that has nothing else, with status 200. Over HTTP/1.1 there is none. */
  | { readonly kind: 'grpc'; readonly headers: Readonly<Record<string, string>> };

export type Permission =
  | { readonly state: 'granted'; readonly dialled: Dialled }
  /** The destination is allowed and its addresses are good; each request is judged by itself, and then dialled for. */
  | { readonly state: 'inspected'; readonly inspection: Inspection }
  | { readonly state: 'refused'; readonly refused: Refused }
  /** The caller closed the connection before it was made. */
  | { readonly state: 'gone' };

/** Judges a request for a destination and, when it is allowed, connects to it. */
export async function authorise(
  context: ProxyContext,
  connection: ProxyConnection,
  asked: Asked,
): Promise<Permission> {
  // Its requests are refused or answered by themselves, whoever asks; cleartext ones are nothing to it.
  if (asked.via !== 'forward' && servesInference(context.index(), asked.host.text, asked.port))
    return { state: 'inspected', inspection: await inspectionOf(context) };
  const identity = await connection.identity();
  if (!identity.ok) return refuse(context, asked, unidentified(identity.error), identity.error.process);
  const who = identity.value;
  for (;;) {
    const index = context.index();
    const verdict = decide(index, { host: asked.host, port: asked.port, identity: who });
    if (verdict.kind === 'deny') {
      const { reason, message, rule } = verdict;
      return refuse(context, asked, { kind: reason, reason: message, rule }, processOf(who));
    }
    const guarded = await context.guard?.evaluate(connectInput({ ...asked, identity: who }));
    if (guarded?.allow === false) {
      const { reason, detail } = guarded;
      const { rule } = verdict.candidates[0];
      return refuse(context, asked, { kind: reason, reason: detail, rule }, processOf(who));
    }
    if (isInspected(verdict.candidates)) {
      const checked = await context.dialer.check(asked.host, asked.port, verdict.candidates);
      if (!checked.ok) return unreachable(context, asked, checked.error, who, connection.closed);
      if (context.index() !== index) continue;
      const [target] = checked.value.targets;
      const { candidate } = checked.value;
      if (!admit(context, connection, asked, { candidate, address: target!.address, inspected: true }, who))
        return { state: 'gone' };
      return { state: 'inspected', inspection: await inspectionOf(context) };
    }
    const dialled = await context.dialer.dial(asked.host, asked.port, verdict.candidates, connection.closed);
    if (!dialled.ok) return unreachable(context, asked, dialled.error, who, connection.closed);
    // The rules may have changed while the connection was made: those that hold now must allow it.
    const candidate =
      context.index() === index ? dialled.value.candidate : stillAllowed(context, asked, dialled.value, who);
    if (candidate !== null) return granted(context, connection, asked, { ...dialled.value, candidate }, who);
    dialled.value.socket.destroy();
  }
}

function inspectionOf({ inspection }: ProxyContext): Promise<Inspection> {
  if (inspection === null) throw new Error('internal error: nothing looks at requests here');
  return inspection();
}

function granted(
  context: ProxyContext,
  connection: ProxyConnection,
  asked: Asked,
  dialled: Dialled,
  who: BinaryIdentity,
): Permission {
  const { candidate, target } = dialled;
  let admitted = false;
  try {
    admitted = admit(
      context,
      connection,
      asked,
      { candidate, address: target.address, inspected: false },
      who,
    );
  } finally {
    if (!admitted) dialled.socket.destroy();
  }
  return admitted ? { state: 'granted', dialled } : { state: 'gone' };
}

interface Admitted {
  readonly candidate: Candidate;
  readonly address: Address;
  readonly inspected: boolean;
}

/** Says that it is allowed. False: the caller has left. */
function admit(
  context: ProxyContext,
  connection: ProxyConnection,
  asked: Asked,
  { candidate, address, inspected }: Admitted,
  who: BinaryIdentity,
): boolean {
  const { rule } = candidate;
  const { via, port } = asked;
  const subject = { via, host: asked.host.text, port, address: address.text };
  const draft = decisionDraft({
    action: 'allow',
    reason: 'allowed',
    rule,
    ...subject,
    process: processOf(who),
  });
  context.emit(draft);
  if (connection.socket.destroyed) return false;
  const standing = { host: asked.host, port, address, identity: who, inspected };
  connection.exchange = {
    clientPort: connection.clientPort,
    ...subject,
    rule,
    identity: who,
    standing,
  };
  return true;
}

function stillAllowed(
  context: ProxyContext,
  asked: Asked,
  dialled: Dialled,
  who: BinaryIdentity,
): Candidate | null {
  const verdict = decide(context.index(), { host: asked.host, port: asked.port, identity: who });
  // What has to be looked at by now is no tunnel.
  if (verdict.kind === 'deny' || isInspected(verdict.candidates)) return null;
  const checked = context.dialer.recheck(asked.host, asked.port, verdict.candidates, dialled);
  return checked.ok ? checked.value : null;
}

interface Why {
  readonly kind: RefusalKind;
  readonly reason: string;
  readonly rule: RuleReference | null;
  readonly detail?: string;
  readonly address?: RefusalFacts['address'];
}

const unidentified = ({ reason, detail }: IdentityProblem): Why => ({
  kind: reason,
  reason: detail,
  rule: null,
});

function refuse(context: ProxyContext, asked: Asked, why: Why, process: ProcessReference | null): Permission {
  const address = why.address?.text ?? null;
  emit(context, 'deny', why, { via: asked.via, host: asked.host.text, port: asked.port, address }, process);
  return { state: 'refused', refused: bodyOf(asked, why, process) };
}

/** Resolved to nothing, to a forbidden address, or not reached. Only the second is a denial. */
function unreachable(
  context: ProxyContext,
  asked: Asked,
  problem: DestinationProblem,
  who: BinaryIdentity,
  signal: AbortSignal,
): Permission {
  const { reason, detail, candidate, address } = problem;
  const to = `${asked.host.text}:${asked.port}`;
  const process = processOf(who);
  const { rule } = candidate;
  if (reason === 'name_not_resolved' || reason === 'upstream_unreachable') {
    const subject = { via: asked.via, host: asked.host.text, port: asked.port, address: null };
    const actual = signal.aborted ? 'allowed' : reason;
    context.emit(decisionDraft({ action: 'allow', reason: actual, rule, ...subject, process }));
    if (signal.aborted) return { state: 'gone' };
    const why = { kind: reason, reason: detail, rule, detail: `connection to ${to} failed` };
    return { state: 'refused', refused: bodyOf(asked, why, process) };
  }
  const blocked = `${asked.method} ${to} blocked: ${checkName(candidate)}`;
  return refuse(context, asked, { kind: reason, reason: detail, rule, detail: blocked, address }, process);
}

/** The names that OpenShell gives to its address checks. */
function checkName({ addressPlan: { allowed, hostKind } }: Candidate): string {
  if (allowed !== null) return 'allowed_ips check failed';
  return hostKind === 'name' || hostKind === 'address'
    ? 'declared endpoint check failed'
    : 'internal address';
}

function bodyOf(asked: Asked, why: Why, process: ProcessReference | null): Refused {
  const { method, path, port } = asked;
  const host = asked.host.text;
  const { kind, reason, rule } = why;
  const detail = why.detail ?? `${method} ${hostPort(host, port)}${path ?? ''} not permitted by policy`;
  const binary = process?.exe ?? null;
  const address = why.address ?? null;
  const body = refusalOf({ kind, detail, reason, rule, method, path, host, port, binary, address });
  return { kind, body };
}

function emit(
  context: ProxyContext,
  action: 'allow' | 'deny',
  { kind, rule }: Pick<Why, 'kind' | 'rule'>,
  subject: { via: Via; host: string; port: number; address: string | null },
  process: ProcessReference | null,
): void {
  context.emit(decisionDraft({ action, reason: REFUSALS[kind].reason, rule, ...subject, process }));
}
