/** The event about one request. */
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
  return {
    type: action === 'deny' ? 'denial' : 'decision',
    layer: 'egress',
    action,
    reason,
    rule,
    subject: {
      kind: 'request',
      method,
      host: host.text,
      port,
      path,
      ...(asked.length === 0 ? {} : { asked }),
    },
    process,
    count: 1,
  };
}
