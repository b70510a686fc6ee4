/**
 * Descriptors: what may stand at each place of a policy. One tree of them (schema.ts) is read by the checker, which
 * takes its types from here, and by the JSON Schema generator, so that the two cannot differ.
 */
import type { Span } from '../base/source.ts';
import { POLICY_LIMITS } from './limits.ts';

export type Shape =
  | StringShape
  | EnumShape<string>
  | BooleanShape
  | IntegerShape
  | QuantityShape
  | ListShape<unknown>
  | MapShape<unknown>
  | ObjectShape<unknown>
  | EitherShape<unknown, unknown>
  | OpenShape;

export interface StringShape {
  readonly kind: 'string';
  /** UTF-16 units. */
  readonly maxLength: number;
  readonly mayBeEmpty: boolean;
  /** Numbers and words such as `true` are read as they are written, without quotes. */
  readonly plain: boolean;
  /** For editors only: the checker's own reading is stricter and says why. */
  readonly pattern: string | null;
}

export interface EnumShape<V extends string> {
  readonly kind: 'enum';
  readonly values: readonly V[];
  /** Words that are accepted and explained elsewhere, so that editors do not offer them. */
  readonly tolerated: readonly V[];
  /** Likely mistakes and what is meant. */
  readonly mistakes: Readonly<Record<string, string>>;
  readonly ignoreCase: boolean;
}

export interface BooleanShape {
  readonly kind: 'boolean';
}

export interface IntegerShape {
  readonly kind: 'integer';
  readonly min: number;
  readonly max: number;
}

/** `size` gives bytes, `duration` milliseconds; both at least `min`. */
export interface QuantityShape {
  readonly kind: 'quantity';
  readonly unit: 'size' | 'duration';
  readonly min: number;
}

export interface ListShape<E> {
  readonly kind: 'list';
  readonly of: E;
  readonly min: number;
  readonly max: number;
}

/** A mapping whose keys are the user's own. */
export interface MapShape<E> {
  readonly kind: 'map';
  readonly of: E;
  readonly max: number;
  /** What the keys are, for messages and editors. */
  readonly keys: string;
}

export interface ObjectShape<F> {
  readonly kind: 'object';
  /** Names the definition in the JSON Schema; null: written in place. */
  readonly name: string | null;
  readonly doc: string;
  readonly fields: F;
  /** Likely mistakes: the key that was written and what to write instead. */
  readonly mistakes: Readonly<Record<string, string>>;
}

/** A short form or a mapping. */
export interface EitherShape<S, O> {
  readonly kind: 'either';
  readonly short: S;
  readonly long: O;
}

/** Anything: it is checked by somebody else. */
export interface OpenShape {
  readonly kind: 'open';
}

export interface Field<S> {
  readonly shape: S;
  /** Sentences for editors and for the reader of the schema. */
  readonly doc: string;
  readonly required: boolean;
  /** As it would be written; null: nothing, or said in `doc`. */
  readonly default: string | null;
  /** `openshell`: known to OpenShell. `extension`: ours. `removed`: accepted for old files only. */
  readonly origin: 'openshell' | 'extension' | 'removed';
}

export type Fields = Readonly<Record<string, Field<Shape>>>;

/** What the checker makes of a shape. */
export type ValueOf<S> = S extends StringShape
  ? string
  : S extends EnumShape<infer V>
    ? V
    : S extends BooleanShape
      ? boolean
      : S extends IntegerShape | QuantityShape
        ? number
        : S extends ListShape<infer E>
          ? readonly Read<E>[]
          : S extends MapShape<infer E>
            ? readonly ReadEntry<E>[]
            : S extends ObjectShape<infer F>
              ? ObjectValue<F>
              : S extends EitherShape<infer A, infer B>
                ?
                    | { readonly form: 'short'; readonly read: Read<A> }
                    | { readonly form: 'long'; readonly read: Read<B> }
                : null;

/** A value that was read, with its place. */
export interface Read<S> {
  readonly value: ValueOf<S>;
  readonly span: Span;
  readonly path: string;
}

export interface ReadEntry<E> {
  readonly key: string;
  readonly keySpan: Span;
  readonly path: string;
  /** Undefined when the value is wrong, which was reported. */
  readonly read: Read<E> | undefined;
}

export interface ObjectValue<F> {
  /** Fields that are absent or wrong are missing here. */
  readonly fields: { readonly [K in keyof F]?: F[K] extends Field<infer S> ? Read<S> : never };
  /** Every key that stands in the file, wrong ones too, and those that wrong ones were probably meant to be. */
  readonly keys: ReadonlyMap<string, Span>;
}

export const text = (options: Partial<Omit<StringShape, 'kind'>> = {}): StringShape => ({
  kind: 'string',
  maxLength: POLICY_LIMITS.text,
  mayBeEmpty: false,
  plain: false,
  pattern: null,
  ...options,
});

export const oneOf = <const V extends string>(
  values: readonly V[],
  options: Partial<Omit<EnumShape<V>, 'kind' | 'values'>> = {},
): EnumShape<V> => ({ kind: 'enum', values, tolerated: [], mistakes: {}, ignoreCase: false, ...options });

export const boolean: BooleanShape = { kind: 'boolean' };

export const integer = (min: number, max: number): IntegerShape => ({ kind: 'integer', min, max });

export const quantity = (unit: 'size' | 'duration', min: number): QuantityShape => ({
  kind: 'quantity',
  unit,
  min,
});

export const list = <E>(of: E, min = 0, max: number = POLICY_LIMITS.entries): ListShape<E> => ({
  kind: 'list',
  of,
  min,
  max,
});

export const map = <E>(of: E, keys: string, max: number = POLICY_LIMITS.entries): MapShape<E> => ({
  kind: 'map',
  of,
  max,
  keys,
});

export const either = <S, O>(short: S, long: O): EitherShape<S, O> => ({ kind: 'either', short, long });

export const open: OpenShape = { kind: 'open' };

export function object<const F extends Fields>(
  name: string | null,
  doc: string,
  fields: F,
  mistakes: Readonly<Record<string, string>> = {},
): ObjectShape<F> {
  return { kind: 'object', name, doc, fields, mistakes };
}

type FieldOptions = Partial<Pick<Field<unknown>, 'required' | 'default'>>;

const make =
  (origin: Field<unknown>['origin']) =>
  <S>(shape: S, doc: string, options: FieldOptions = {}): Field<S> => ({
    shape,
    doc,
    required: false,
    default: null,
    origin,
    ...options,
  });

/** A key of OpenShell's own language. */
export const field = make('openshell');
/** A key that only we have. */
export const extension = make('extension');
/** A key that old files have and that changes nothing. */
export const removed = make('removed');
