/** The library's nodes to ours: aliases are resolved, duplicate and merge keys refused, sizes counted. */
import { isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode, Scalar } from 'yaml';
import type { Span } from '../base/source.ts';
import type { IssueCode } from './codes.ts';
import { type Issues, quoted } from './issues.ts';
import { POLICY_LIMITS } from './limits.ts';
import type { Lines } from './lines.ts';
import type { MapEntry, YamlNode } from './node.ts';
import { childPath, itemPath } from './path.ts';

interface Built {
  readonly node: YamlNode;
  /** Nodes in it, after expansion. */
  readonly size: number;
  /** UTF-16 units of text in it, after expansion. */
  readonly characters: number;
}

/** Null when a bound was crossed or a node cannot be used; the reason stands in `issues`. */
export function buildTree(root: ParsedNode | null, lines: Lines, issues: Issues): YamlNode | null {
  if (root === null) return null;
  const builder = new TreeBuilder(lines, issues);
  try {
    const built = builder.build(root, '', null);
    builder.checkGrowth(built);
    return builder.usable ? built.node : null;
  } catch (problem) {
    if (problem instanceof Stop) return null;
    throw problem;
  }
}

/** Ends the walk at the first bound that is crossed. */
class Stop extends Error {}

class TreeBuilder {
  readonly #lines: Lines;
  readonly #issues: Issues;
  /** Null while the anchored node is still being read. */
  readonly #anchors = new Map<string, Built | null>();
  #aliases = 0;
  #written = 0;
  usable = true;

  constructor(lines: Lines, issues: Issues) {
    this.#lines = lines;
    this.#issues = issues;
  }

  /** `keySpan` is where to point when nothing stands after a key. */
  build(node: ParsedNode, path: string, keySpan: Span | null): Built {
    this.#written += 1;
    const span = this.#spanOf(node, keySpan);
    if (isAlias(node)) return this.#alias(node.source, span, path);
    const anchor = node.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const built = isMap(node)
      ? this.#map(node.items as Pair<ParsedNode, ParsedNode | null>[], span, path)
      : isSeq(node)
        ? this.#list(node.items as ParsedNode[], span, path)
        : this.#scalar(node, span, path);
    this.#checkSize(built, span, path);
    if (anchor !== undefined) this.#anchors.set(anchor, built);
    return built;
  }

  checkGrowth(built: Built): void {
    if (built.size <= this.#written * POLICY_LIMITS.aliasRatio) return;
    const message = `aliases make the document more than ${POLICY_LIMITS.aliasRatio} times larger`;
    this.#refuse('yaml_alias_limit', built.node.span, '', message, 'Write the values out.');
  }

  #spanOf(node: ParsedNode, keySpan: Span | null): Span {
    const [start, end] = node.range;
    return start === end && keySpan !== null ? keySpan : this.#lines.span(start, end);
  }

  #scalar(node: ParsedNode, span: Span, path: string): Built {
    if (!isScalar(node)) return this.#stop('yaml_syntax', span, path, 'the value cannot be read');
    const { value } = node;
    const source = node.source ?? String(value);
    const plain = node.type === Scalar.PLAIN;
    const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return {
      node: { kind: 'scalar', span, value: known ? value : null, source, plain },
      size: 1,
      characters: source.length,
    };
  }

  #list(items: readonly ParsedNode[], span: Span, path: string): Built {
    this.#checkEntries(items.length, span, path);
    let size = 1;
    let characters = 0;
    const nodes = items.map((item, index) => {
      const built = this.build(item, itemPath(path, index), null);
      size += built.size;
      characters += built.characters;
      return built.node;
    });
    return { node: { kind: 'list', span, items: nodes }, size, characters };
  }

  #map(pairs: readonly Pair<ParsedNode, ParsedNode | null>[], span: Span, path: string): Built {
    this.#checkEntries(pairs.length, span, path);
    let size = 1;
    let characters = 0;
    const seen = new Map<string, Span>();
    const entries: MapEntry[] = [];
    for (const pair of pairs) {
      const keySpan = this.#lines.span(pair.key.range[0], pair.key.range[1]);
      const key = this.#key(pair.key, keySpan, path, seen);
      const place = childPath(path, key);
      const built = pair.value === null ? this.#missing(keySpan) : this.build(pair.value, place, keySpan);
      size += built.size;
      characters += built.characters + key.length;
      entries.push({ key, keySpan, value: built.node });
    }
    return { node: { kind: 'map', span, entries }, size, characters };
  }

  #missing(keySpan: Span): Built {
    return {
      node: { kind: 'scalar', span: keySpan, value: null, source: '', plain: true },
      size: 1,
      characters: 0,
    };
  }

  #key(node: ParsedNode, span: Span, path: string, seen: Map<string, Span>): string {
    const key = isScalar(node) && typeof node.value === 'string' ? node.value : '';
    const first = seen.get(key);
    if (key === '') {
      this.#refuse('yaml_key', span, path, 'the key is empty', 'Write a name before the `:`.');
    } else if (first !== undefined) {
      const message = `the key ${quoted(key)} stands twice in this mapping, first on line ${first.line}`;
      this.#refuse(
        'yaml_duplicate_key',
        span,
        childPath(path, key),
        message,
        'Remove one, or merge their values.',
      );
    } else if (key === '<<' && isScalar(node) && node.type === Scalar.PLAIN) {
      this.#refuse(
        'yaml_merge_key',
        span,
        childPath(path, key),
        'merge keys are not supported',
        'Write the keys out.',
      );
    }
    seen.set(key, span);
    return key;
  }

  #alias(name: string, span: Span, path: string): Built {
    this.#aliases += 1;
    if (this.#aliases > POLICY_LIMITS.aliases) {
      return this.#stop(
        'yaml_alias_limit',
        span,
        path,
        `the document has more than ${POLICY_LIMITS.aliases} aliases`,
      );
    }
    const target = this.#anchors.get(name);
    if (target === undefined)
      return this.#stop('yaml_alias', span, path, `no anchor ${quoted(`&${name}`)} stands before this alias`);
    if (target === null)
      return this.#stop(
        'yaml_alias',
        span,
        path,
        `the alias ${quoted(`*${name}`)} lies inside its own anchor`,
      );
    return target;
  }

  #checkEntries(count: number, span: Span, path: string): void {
    if (count <= POLICY_LIMITS.entries) return;
    this.#stop(
      'yaml_size_limit',
      span,
      path,
      `more than ${POLICY_LIMITS.entries} entries stand in one place`,
    );
  }

  #checkSize(built: Built, span: Span, path: string): void {
    if (built.size > POLICY_LIMITS.nodes) {
      this.#stop('yaml_size_limit', span, path, `the document has more than ${POLICY_LIMITS.nodes} values`);
    }
    if (built.characters > POLICY_LIMITS.scalarData) {
      this.#stop('yaml_size_limit', span, path, 'the document has more than 4 MiB of text');
    }
  }

  #refuse(code: IssueCode, span: Span, path: string, message: string, hint: string | null = null): void {
    this.usable = false;
    this.#issues.report(code, { span, path }, message, hint);
  }

  #stop(code: IssueCode, span: Span, path: string, message: string): never {
    this.#refuse(code, span, path, message);
    throw new Stop();
  }
}
