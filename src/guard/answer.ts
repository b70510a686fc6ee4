/** What the value of a rule means. Everything that is not plainly an answer is none, and none refuses. */
import { onOneLine } from '../base/source.ts';
import { failed, type GuardAnswer } from './guard.ts';
import { GUARD_LIMITS } from './limits.ts';

const DENIED = 'a guardrail denies it';
const MESSAGES = 3;

/**
 * - `true`, `false`
 * - `{"allow": BOOLEAN, "reason": …}`, and OpenShell's `{"action": "allow" | "deny", "deny_reason": …}`
 * - the set of a rule `deny`, as conftest has it: messages, or objects with `msg`; an empty one allows
 */
export function readAnswer(value: unknown): GuardAnswer {
  if (value === true) return { allow: true };
  if (value === false) return denied(DENIED);
  if (Array.isArray(value)) return fromSet(value);
  if (typeof value === 'object' && value !== null) return fromObject(value as Record<string, unknown>);
  return failed(
    value === undefined ? 'the guardrail does not say' : 'what the guardrail says is neither yes nor no',
  );
}

function fromObject(value: Record<string, unknown>): GuardAnswer {
  const verdicts: unknown[] = [];
  if (Object.hasOwn(value, 'allow')) verdicts.push(value['allow']);
  if (Object.hasOwn(value, 'action')) verdicts.push(actionOf(value['action']));
  // Several of them must agree.
  if (verdicts.length === 0 || verdicts.some((verdict) => typeof verdict !== 'boolean'))
    return failed('what the guardrail says is neither yes nor no');
  if (verdicts.every((verdict) => verdict === true)) return { allow: true };
  const reason = [value['deny_reason'], value['reason']].find(
    (text) => typeof text === 'string' && text !== '',
  );
  return denied((reason as string | undefined) ?? DENIED);
}

const actionOf = (action: unknown): unknown => (action === 'allow' ? true : action === 'deny' ? false : null);

function fromSet(values: readonly unknown[]): GuardAnswer {
  if (values.length === 0) return { allow: true };
  const messages = values.slice(0, MESSAGES).map((value) => {
    const text = typeof value === 'object' && value !== null ? (value as { msg?: unknown }).msg : value;
    return typeof text === 'string' && text !== '' ? text : DENIED;
  });
  return denied(messages.join('; '));
}

const denied = (detail: string): GuardAnswer => ({
  allow: false,
  reason: 'guardrail_denied',
  detail: clipped(detail),
});

/** On one line, and short. */
export function clipped(text: string): string {
  const { detailLength } = GUARD_LIMITS;
  const line = onOneLine(text.slice(0, 2 * detailLength));
  return line.length > detailLength ? `${line.slice(0, detailLength)}…` : line;
}
