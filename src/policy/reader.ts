/**
 * Reads nodes by descriptors: types, unknown and missing keys, words, ranges. What it returns has the right shape; what
 * is wrong was reported and is missing from the result.
 */
import { parseDuration, parseSize } from '../base/quantity.ts';
import type { Span } from '../base/source.ts';
import { unreachable } from '../base/unreachable.ts';
import type {
  EitherShape,
  EnumShape,
  Fields,
  IntegerShape,
  ListShape,
  MapShape,
  ObjectShape,
  QuantityShape,
  Read,
  Shape,
  StringShape,
} from './fields.ts';
import { alternatives, type Issues, type Place, quoted } from './issues.ts';
import { hintForKey } from './key-hint.ts';
import { POLICY_LIMITS } from './limits.ts';
import { describeNode, type MapNode, type ScalarNode, type YamlNode } from './node.ts';
import { childPath, itemPath } from './path.ts';
import { nearest } from './suggest.ts';

/** Undefined when the node does not fit the shape at all. */
export function readNode<S>(shape: S, node: YamlNode, path: string, issues: Issues): Read<S> | undefined {
  const value = new Reader(issues).value(shape as Shape, node, { span: node.span, path });
  return value === undefined ? undefined : ({ value, span: node.span, path } as Read<S>);
}

/** Control and invisible characters, which escapes such as `"\u202e"` can bring into a value. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const DECIMAL = /^-?(?:0|[1-9][0-9]{0,15})$/;

class Reader {
  readonly #issues: Issues;

  constructor(issues: Issues) {
    this.#issues = issues;
  }

  /** Undefined: reported. Otherwise `ValueOf` the shape, which the type system cannot follow through the recursion. */
  value(shape: Shape, node: YamlNode, place: Place & { readonly span: Span }): unknown {
    if (shape.kind === 'open') return null;
    if (node.kind === 'scalar' && node.value === null) {
      const takesPath = shape.kind === 'string' && shape.maxLength === POLICY_LIMITS.path;
      const hint =
        takesPath && node.source === '~'
          ? 'Put it in quotes if the home directory is meant: `"~"`.'
          : 'Write a value, or remove the key.';
      this.#issues.report(
        'null_value',
        place,
        `${expectation(shape)} is expected, not ${node.source === '' ? 'nothing' : '`null`'}`,
        hint,
      );
      return undefined;
    }
    switch (shape.kind) {
      case 'string':
        return this.#text(shape, node, place);
      case 'enum':
        return this.#word(shape, node, place);
      case 'boolean':
        return this.#boolean(node, place);
      case 'integer':
        return this.#integer(shape, node, place);
      case 'quantity':
        return this.#quantity(shape, node, place);
      case 'list':
        return this.#list(shape as ListShape<Shape>, node, place);
      case 'map':
        return this.#map(shape as MapShape<Shape>, node, place);
      case 'object':
        return this.#object(shape as ObjectShape<Fields>, node, place);
      case 'either':
        return this.#either(shape as EitherShape<Shape, Shape>, node, place);
      default:
        return unreachable(shape, 'Reader.value');
    }
  }

  #read(shape: Shape, node: YamlNode, path: string): Read<unknown> | undefined {
    const value = this.value(shape, node, { span: node.span, path });
    return value === undefined ? undefined : ({ value, span: node.span, path } as Read<unknown>);
  }

  #text(shape: StringShape, node: YamlNode, place: Place): string | undefined {
    const plain = shape.plain && node.kind === 'scalar' && node.plain;
    if (node.kind !== 'scalar' || (typeof node.value !== 'string' && !plain)) {
      const hint = node.kind === 'scalar' ? `Put it in quotes: \`"${node.source}"\`.` : null;
      return this.#wrongType(shape, node, place, hint);
    }
    const text = node.source;
    if (text === '' && !shape.mayBeEmpty) {
      this.#issues.report('empty_value', place, 'the text is empty', 'Write a value, or remove it.');
      return undefined;
    }
    if (text.length > shape.maxLength) {
      this.#issues.report('text_too_long', place, `the text is longer than ${shape.maxLength} characters`);
      return undefined;
    }
    return this.#visible(text, place) ? text : undefined;
  }

  #visible(text: string, place: Place): boolean {
    const hidden = HIDDEN.exec(text);
    if (hidden === null) return true;
    const point = hidden[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    this.#issues.report(
      'text_control_character',
      place,
      `the text holds the character U+${point}`,
      'Remove it.',
    );
    return false;
  }

  #word(shape: EnumShape<string>, node: YamlNode, place: Place): string | undefined {
    if (node.kind !== 'scalar') return this.#wrongType(shape, node, place, null);
    const text = node.source;
    if (shape.values.includes(text)) return text;
    const lower = text.toLowerCase();
    if (shape.ignoreCase && shape.values.includes(lower)) {
      this.#issues.report('normalised', place, `${quoted(text)} is read as \`${lower}\``);
      return lower;
    }
    const offered = shape.values.filter((value) => !shape.tolerated.includes(value));
    const hint = () => {
      const meant = Object.hasOwn(shape.mistakes, lower) ? shape.mistakes[lower]! : nearest(text, offered);
      return meant === null ? null : `Did you mean \`${meant}\`?`;
    };
    const known =
      offered.length === 1
        ? `the only value is ${alternatives(offered)}`
        : `expected ${alternatives(offered)}`;
    this.#issues.report('unknown_value', place, `${quoted(text)} is not known here; ${known}`, hint);
    return undefined;
  }

  #boolean(node: YamlNode, place: Place): boolean | undefined {
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
    const word = node.kind === 'scalar' ? node.source.toLowerCase() : '';
    const meant = ['yes', 'on', 'true', '1'].includes(word)
      ? 'true'
      : ['no', 'off', 'false', '0'].includes(word)
        ? 'false'
        : null;
    return this.#wrongType(
      { kind: 'boolean' },
      node,
      place,
      meant === null ? null : `Write \`${meant}\`, without quotes.`,
    );
  }

  #integer(shape: IntegerShape, node: YamlNode, place: Place): number | undefined {
    if (
      node.kind !== 'scalar' ||
      !node.plain ||
      typeof node.value !== 'number' ||
      !DECIMAL.test(node.source)
    ) {
      const decimal =
        node.kind === 'scalar' && (DECIMAL.test(node.source) ? node.source : plainInteger(node));
      return this.#wrongType(
        shape,
        node,
        place,
        decimal === false || decimal === null ? null : `Write \`${decimal}\`.`,
      );
    }
    const value = Number(node.source);
    if (value >= shape.min && value <= shape.max) return value;
    this.#issues.report('out_of_range', place, `${node.source} is outside ${range(shape)}`);
    return undefined;
  }

  #quantity(shape: QuantityShape, node: YamlNode, place: Place): number | undefined {
    if (node.kind !== 'scalar' || typeof node.value === 'boolean')
      return this.#wrongType(shape, node, place, null);
    const parsed = shape.unit === 'size' ? parseSize(node.source) : parseDuration(node.source);
    if (!parsed.ok) {
      this.#issues.report('invalid_quantity', place, `${quoted(node.source)}: ${parsed.error}`);
      return undefined;
    }
    if (parsed.value >= shape.min) return parsed.value;
    const least = shape.unit === 'size' ? `${shape.min / 1024 ** 2}MiB` : `${shape.min / 1000}s`;
    this.#issues.report('out_of_range', place, `${quoted(node.source)} is less than ${least}`);
    return undefined;
  }

  #list(shape: ListShape<Shape>, node: YamlNode, place: Place): Read<unknown>[] | undefined {
    if (node.kind !== 'list') {
      const hint =
        node.kind === 'scalar'
          ? `Write a list: \`[${node.source.slice(0, 80)}]\`.`
          : 'Begin each item with `- `.';
      return this.#wrongType(shape, node, place, hint);
    }
    if (!this.#count(node.items.length, shape, place)) return undefined;
    const reads = node.items.flatMap(
      (item, index) => this.#read(shape.of, item, itemPath(place.path, index)) ?? [],
    );
    // A list of which nothing could be read is wrong itself: it must not pass for an empty one.
    return reads.length === 0 && node.items.length > 0 ? undefined : reads;
  }

  #map(shape: MapShape<Shape>, node: YamlNode, place: Place): unknown[] | undefined {
    if (node.kind !== 'map') {
      return this.#wrongType(shape, node, place, `Write \`key: value\` lines; the keys are ${shape.keys}.`);
    }
    if (!this.#count(node.entries.length, { min: 0, max: shape.max }, place)) return undefined;
    return node.entries.map(({ key, keySpan, value }) => {
      const path = childPath(place.path, key);
      this.#visible(key, { span: keySpan, path });
      return { key, keySpan, path, read: this.#read(shape.of, value, path) };
    });
  }

  #count(count: number, { min, max }: { readonly min: number; readonly max: number }, place: Place): boolean {
    if (count < min)
      this.#issues.report(
        'empty_value',
        place,
        'the list is empty',
        'Write at least one item, or remove the key.',
      );
    if (count > max) this.#issues.report('too_many_items', place, `more than ${max} entries stand here`);
    return count >= min && count <= max;
  }

  #object(shape: ObjectShape<Fields>, node: YamlNode, place: Place): unknown {
    if (node.kind !== 'map') return this.#wrongType(shape, node, place, 'Write `key: value` lines.');
    const fields: Record<string, Read<unknown>> = {};
    const keys = new Map<string, Span>();
    for (const { key, keySpan, value } of node.entries) {
      const path = childPath(place.path, key);
      keys.set(key, keySpan);
      // What was probably meant is not reported as missing too.
      const meant = Object.hasOwn(shape.mistakes, key) ? shape.mistakes[key]! : key;
      if (!keys.has(meant)) keys.set(meant, keySpan);
      if (!Object.hasOwn(shape.fields, key)) {
        const owner = shape.name === null ? 'the policy language' : `\`${shape.name}\``;
        this.#issues.report(
          'unknown_key',
          { span: keySpan, path },
          `${quoted(key)} is not a key of ${owner}`,
          () => hintForKey(key, shape),
        );
        continue;
      }
      const read = this.#read(shape.fields[key]!.shape, value, path);
      if (read !== undefined) fields[key] = read;
    }
    this.#missing(shape, node, keys, place);
    return { fields, keys };
  }

  #missing(shape: ObjectShape<Fields>, node: MapNode, keys: ReadonlyMap<string, Span>, place: Place): void {
    const where = { span: node.entries[0]?.keySpan ?? node.span, path: place.path };
    for (const [key, { required, doc }] of Object.entries(shape.fields)) {
      if (!required || keys.has(key)) continue;
      this.#issues.report('missing_key', where, `the key \`${key}\` is missing`, doc);
    }
  }

  #either(shape: EitherShape<Shape, Shape>, node: YamlNode, place: Place): unknown {
    if (node.kind === 'list') return this.#wrongType(shape, node, place, null);
    const form = node.kind === 'scalar' ? 'short' : 'long';
    const read = this.#read(form === 'short' ? shape.short : shape.long, node, place.path);
    return read === undefined ? undefined : { form, read };
  }

  #wrongType(shape: Shape, node: YamlNode, place: Place, hint: string | null): undefined {
    this.#issues.report(
      'wrong_type',
      place,
      `${expectation(shape)} is expected, not ${describeNode(node, quoted)}`,
      hint,
    );
    return undefined;
  }
}

/** `443.0`, `0x1bb` and `4_43` are numbers to some: the plain decimal, or null. */
function plainInteger(node: ScalarNode): string | null {
  return typeof node.value === 'number' && Number.isSafeInteger(node.value) ? String(node.value) : null;
}

function range({ min, max }: IntegerShape): string {
  return min === max ? `the range: only ${min} is allowed` : `the range ${min} to ${max}`;
}

function expectation(shape: Shape): string {
  switch (shape.kind) {
    case 'string':
      return 'a text';
    case 'enum':
      return `a word (${alternatives(shape.values.filter((value) => !shape.tolerated.includes(value)))})`;
    case 'boolean':
      return '`true` or `false`';
    case 'integer':
      return 'a whole number';
    case 'quantity':
      return shape.unit === 'size' ? 'a size' : 'a duration';
    case 'list':
      return 'a list';
    case 'map':
    case 'object':
      return 'a mapping';
    case 'either':
      return `${expectation(shape.short as Shape)} or ${expectation(shape.long as Shape)}`;
    case 'open':
      return 'a value';
    default:
      return unreachable(shape, 'expectation');
  }
}
