/**
 * Host patterns. The first label may be `*` (exactly one label), `**` (one or more), or text with `*` in it; a later
 * label is literal or a whole `*` (exactly one label). A pattern never matches an address.
 */
import { err, ok, type Result } from '../base/result.ts';

export interface HostPattern {
  readonly first: FirstLabel;
  /** The labels after the first, from the right; null stands for `*`. */
  readonly rest: readonly (string | null)[];
}

export type FirstLabel =
  | { readonly kind: 'literal'; readonly label: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'deep' }
  | { readonly kind: 'partial'; readonly partial: PartialLabel };

/** `a*-b`: what stands before the first star, between the stars, and after the last. */
export interface PartialLabel {
  readonly prefix: string;
  readonly middles: readonly string[];
  readonly suffix: string;
}

const LITERAL = /^[a-z0-9_-]+$/;
const PARTIAL = /^[a-z0-9_*-]+$/;

export function compileHostPattern(pattern: string): Result<HostPattern, string> {
  const labels = pattern.split('.');
  const first = firstLabel(labels[0]!);
  if (!first.ok) return first;
  const rest: (string | null)[] = [];
  for (const label of labels.slice(1).reverse()) {
    if (label !== '*' && !LITERAL.test(label)) return err('`*` after the first label must be a whole label');
    rest.push(label === '*' ? null : label);
  }
  return ok({ first: first.value, rest });
}

function firstLabel(label: string): Result<FirstLabel, string> {
  if (label === '*') return ok({ kind: 'one' });
  if (label === '**') return ok({ kind: 'deep' });
  if (LITERAL.test(label)) return ok({ kind: 'literal', label });
  if (!PARTIAL.test(label)) return err('a label holds a character that host patterns cannot have');
  if (label.includes('**')) return err('`**` must be the whole first label');
  const parts = label.split('*');
  return ok({
    kind: 'partial',
    partial: { prefix: parts[0]!, middles: parts.slice(1, -1), suffix: parts.at(-1)! },
  });
}

/** Whether a label fits; prefix, middles and suffix never overlap. */
export function matchesPartial(partial: PartialLabel, label: string): boolean {
  const { prefix, middles, suffix } = partial;
  if (label.length < prefix.length + suffix.length) return false;
  if (!label.startsWith(prefix) || !label.endsWith(suffix)) return false;
  const end = label.length - suffix.length;
  let at = prefix.length;
  for (const middle of middles) {
    const found = label.indexOf(middle, at);
    if (found < 0 || found + middle.length > end) return false;
    at = found + middle.length;
  }
  return true;
}
