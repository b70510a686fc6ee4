/**
 * What the `{a,b}` of all texts of a policy expand to, together. A pattern is expanded before it is compiled, here and
 * again in every sandbox, so a small file could ask for much.
 */
import type { Issues } from './issues.ts';
import { POLICY_LIMITS } from './limits.ts';
import type { YamlNode } from './node.ts';

/** Reports the text with which the bound is crossed; false then. */
export function checkAlternatives(root: YamlNode, issues: Issues): boolean {
  let characters = 0;
  const todo: YamlNode[] = [root];
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (node.kind === 'list') todo.push(...node.items.toReversed());
    else if (node.kind === 'map') todo.push(...node.entries.map(({ value }) => value).toReversed());
    else characters += expandedLength(node.source);
    if (characters <= POLICY_LIMITS.expandedPatterns) continue;
    const message = `\`{a,b}\` up to here expand to more than ${POLICY_LIMITS.expandedPatterns} characters of patterns`;
    issues.report(
      'too_many_alternatives',
      { span: node.span, path: '' },
      message,
      'Write `*`, or fewer alternatives.',
    );
    return false;
  }
  return true;
}

/** Zero for a text without braces. */
function expandedLength(text: string): number {
  if (!text.includes('{')) return 0;
  let copies = 1;
  for (const [group] of text.matchAll(/\{[^{}]*\}/g)) {
    copies = Math.min(copies * group.split(',').length, MOST_COPIES);
  }
  return copies * text.length;
}

/** More are refused when the pattern is compiled. */
const MOST_COPIES = 64;
