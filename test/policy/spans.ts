import { expect } from 'vitest';
import { parsePolicy } from '../../src/policy/check.ts';

/** Whatever the text is: there is a result, and its complaints can be shown. */
export function expectSpansInside(text: string): void {
  const { policy, issues } = parsePolicy(text);
  const lines = text.split(/\r\n|\r|\n/);
  for (const { span, message, hint } of issues) {
    expect(message).not.toMatch(/undefined|\[object|NaN/);
    expect(hint ?? '').not.toMatch(/undefined|\[object|NaN/);
    if (span === null) continue;
    const line = lines[span.line - 1];
    expect(line, `line ${span.line} of ${lines.length}`).toBeDefined();
    expect(span.column).toBeGreaterThanOrEqual(1);
    expect(span.length).toBeGreaterThanOrEqual(1);
    expect(span.column - 1 + span.length).toBeLessThanOrEqual(Math.max(line!.length, span.column));
  }
  const invalid = issues.some(({ severity }) => severity === 'error');
  expect(policy === null).toBe(invalid);
}
