/** The event about one request. */
import { egressDraft } from '../../egress/decision-event.ts';
import type { Draft, ProcessReference, RuleReference } from '../../event/event.ts';
import type { Authority } from '../request-target.ts';

/** Its query may hold what is nobody's business, and is left out. */
export function requestDraft(
  action: 'allow' | 'deny' | 'audit',
  reason: Draft['reason'],
  rule: RuleReference | null,
  { host, port }: Authority,
  { method, path }: { readonly method: string; readonly path: string },
  process: ProcessReference | null,
  asked: readonly string[] = [],
): Draft {
  const subject = { kind: 'request', method, host: host.text, port, path } as const;
  return egressDraft({ action, reason, rule, process }, asked.length === 0 ? subject : { ...subject, asked });
}
