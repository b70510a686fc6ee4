/** Value matchers of rules: one pattern, or several of which any may match. */
import type { Read } from './fields.ts';
import type { TextRead } from './file-path.ts';
import type { Issues } from './issues.ts';
import { checkGlob } from './pattern.ts';
import type { ValueMatcher } from './policy.ts';
import type { RULE } from './schema-rules.ts';

export type RuleRead = Read<typeof RULE>;
export type MatcherRead = NonNullable<RuleRead['value']['fields']['tool']>;

/** The pattern, checked: `.` separates its components. */
export function globText(read: TextRead, issues: Issues): string {
  checkGlob(read, '.', issues);
  return read.value;
}

/** A text, `{any: [...]}` or `{glob: ...}`. */
export function checkMatcher(read: MatcherRead, issues: Issues): ValueMatcher {
  const { form, read: inner } = read.value;
  if (form === 'short') return { anyOf: [globText(inner, issues)] };
  const { fields, keys } = inner.value;
  const both = keys.has('any') && keys.has('glob');
  if (both || (!keys.has('any') && !keys.has('glob'))) {
    const message = both ? '`any` and `glob` exclude each other' : 'a pattern is missing';
    issues.report('exclusive_keys', read, message, 'Write a text, `{any: [...]}` or `{glob: ...}`.');
  }
  const patterns = fields.any?.value ?? (fields.glob === undefined ? [] : [fields.glob]);
  return { anyOf: patterns.map((pattern) => globText(pattern, issues)) };
}
