/** How a request is refused that was read: one event, and a body in the form of the protocol that the caller speaks. */
import type { ProcessReference } from '../../event/event.ts';
import { REFUSALS, type RefusalFacts, refusalOf } from '../../event/refusal.ts';
import type { ProxyContext, Refused } from '../authorise.ts';
import type { Authority } from '../request-target.ts';
import { requestDraft } from './request-event.ts';
import type { Seen } from './sighted.ts';

/** Who asked for what. */
export interface RequestToRefuse {
  readonly authority: Authority;
  readonly method: string;
  /** Without its query; null: it cannot be read. */
  readonly path: string | null;
  readonly process: ProcessReference | null;
  /** Absent: it was refused before it was looked into. */
  readonly seen?: Partial<Seen> | undefined;
}

type Why = Pick<RefusalFacts, 'kind' | 'detail' | 'reason' | 'rule' | 'wanted'> &
  Partial<Pick<RefusalFacts, 'address'>>;

/** Tells of the refusal, and makes what the caller gets. */
export function refuse(context: Pick<ProxyContext, 'emit'>, request: RequestToRefuse, why: Why): Refused {
  const { authority, method, path, process, seen } = request;
  const shown = { method, path: path ?? '' };
  context.emit(
    requestDraft('deny', REFUSALS[why.kind].reason, why.rule, authority, shown, process, seen?.asked),
  );
  return refusedAs(request, why);
}

/** What the caller gets where nothing was decided that would be told of: its server failed. */
export function refusedAs(request: RequestToRefuse, why: Why): Refused {
  const { authority, method, path, process, seen } = request;
  const { kind, address = null } = why;
  const { host, port } = authority;
  const binary = process?.exe ?? null;
  const body = refusalOf({ ...why, method, path, host: host.text, port, binary, address });
  const form = seen?.formOf?.(kind, body);
  return { kind, body, ...(form === undefined ? {} : { form }) };
}

/** @param by what does not permit it, as `by policy` */
export const notPermitted = (
  { authority: { host, port }, method, path }: RequestToRefuse,
  by: string,
): string => `${method} ${host.text}:${port}${path ?? ''} not permitted ${by}`;
