/** The tree of a YAML document with positions: all that the rest of this folder knows of YAML. */
import type { Span } from '../base/source.ts';

export type YamlNode = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly span: Span;
  /** By the core schema of YAML 1.2; text when it is in quotes. */
  readonly value: string | number | boolean | null;
  /** The text as written, without quotes and with escapes resolved. */
  readonly source: string;
  /** Not in quotes and no block. */
  readonly plain: boolean;
}

export interface ListNode {
  readonly kind: 'list';
  readonly span: Span;
  readonly items: readonly YamlNode[];
}

export interface MapNode {
  readonly kind: 'map';
  readonly span: Span;
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: YamlNode;
}

/** What a node is, for messages: `the number 443`, `a list`. */
export function describeNode(node: YamlNode, quote: (text: string) => string): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a mapping';
  switch (typeof node.value) {
    case 'string':
      return `the text ${quote(node.value)}`;
    case 'number':
      return `the number ${quote(node.source)}`;
    case 'boolean':
      return `the truth value ${quote(node.source)}`;
    default:
      return '`null`';
  }
}
