/** The descriptors as a JSON Schema (draft 2020-12), for editors: completion, descriptions, first complaints. */
import { unreachable } from '../base/unreachable.ts';
import type {
  EitherShape,
  EnumShape,
  Field,
  Fields,
  ListShape,
  MapShape,
  ObjectShape,
  QuantityShape,
  Shape,
} from './fields.ts';
import { ROUTES } from './routes/schema.ts';
import { POLICY } from './schema.ts';

export type JsonSchema = { readonly [key: string]: unknown };

export const policyJsonSchema = (): JsonSchema =>
  documentSchema('OpenShell policy', POLICY as ObjectShape<Fields>);

/** Of the file that `--inference` takes. */
export const routesJsonSchema = (): JsonSchema =>
  documentSchema('OpenShell inference routes', ROUTES as ObjectShape<Fields>);

function documentSchema(title: string, shape: ObjectShape<Fields>): JsonSchema {
  const definitions = new Map<string, JsonSchema>();
  const root = objectSchema(shape, definitions);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    ...root,
    $defs: Object.fromEntries([...definitions].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

type Definitions = Map<string, JsonSchema>;

function schemaOf(shape: Shape, definitions: Definitions): JsonSchema {
  switch (shape.kind) {
    case 'string':
      return {
        type: shape.plain ? ['string', 'number'] : 'string',
        ...(shape.mayBeEmpty ? {} : { minLength: 1 }),
        maxLength: shape.maxLength,
        ...(shape.pattern === null ? {} : { pattern: shape.pattern }),
      };
    case 'enum':
      return { type: 'string', enum: offered(shape) };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return shape.min === shape.max
        ? { const: shape.min }
        : { type: 'integer', minimum: shape.min, maximum: shape.max };
    case 'quantity':
      return quantitySchema(shape);
    case 'list':
      return listSchema(shape as ListShape<Shape>, definitions);
    case 'map':
      return mapSchema(shape as MapShape<Shape>, definitions);
    case 'object':
      return reference(shape as ObjectShape<Fields>, definitions);
    case 'either': {
      const { short, long } = shape as EitherShape<Shape, Shape>;
      return { anyOf: [schemaOf(short, definitions), schemaOf(long, definitions)] };
    }
    case 'open':
      return {};
    default:
      return unreachable(shape, 'schemaOf');
  }
}

/** Words that the checker explains itself are not offered. */
const offered = (shape: EnumShape<string>): readonly string[] =>
  shape.values.filter((value) => !shape.tolerated.includes(value));

function quantitySchema({ unit }: QuantityShape): JsonSchema {
  const pattern =
    unit === 'size'
      ? '^[0-9]{1,16} ?(B|K|KiB|kB|KB|M|MiB|MB|G|GiB|GB|T|TiB|TB)?$'
      : '^[0-9]{1,12}(\\.[0-9]{1,3})?(ms|s|m|h|d)?$';
  return { type: ['string', 'number'], pattern, minimum: 1 };
}

function listSchema({ of, min, max }: ListShape<Shape>, definitions: Definitions): JsonSchema {
  return {
    type: 'array',
    items: schemaOf(of, definitions),
    ...(min > 0 ? { minItems: min } : {}),
    maxItems: max,
  };
}

function mapSchema({ of, max, keys }: MapShape<Shape>, definitions: Definitions): JsonSchema {
  return {
    type: 'object',
    propertyNames: { minLength: 1, description: `The keys are ${keys}.` },
    additionalProperties: schemaOf(of, definitions),
    maxProperties: max,
  };
}

/** Named mappings become definitions; the rest is written in place. */
function reference(shape: ObjectShape<Fields>, definitions: Definitions): JsonSchema {
  if (shape.name === null) return objectSchema(shape, definitions);
  if (!definitions.has(shape.name)) definitions.set(shape.name, objectSchema(shape, definitions));
  return { $ref: `#/$defs/${shape.name}` };
}

function objectSchema(shape: ObjectShape<Fields>, definitions: Definitions): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const [key, field] of Object.entries(shape.fields)) properties[key] = fieldSchema(field, definitions);
  const required = Object.keys(shape.fields).filter((key) => shape.fields[key]!.required);
  return {
    type: 'object',
    description: shape.doc,
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

function fieldSchema(field: Field<Shape>, definitions: Definitions): JsonSchema {
  const note = field.origin === 'extension' ? ' (Extension: OpenShell does not know this key.)' : '';
  return {
    description: field.doc + note,
    ...(field.default === null ? {} : { default: defaultValue(field.default) }),
    ...(field.origin === 'removed' ? { deprecated: true } : {}),
    ...schemaOf(field.shape, definitions),
  };
}

/** Defaults are noted as they would be written: JSON where they are JSON, else a text. */
function defaultValue(text: string): unknown {
  return /^(?:true|false|-?[0-9]+|[[{"].*)$/.test(text) ? JSON.parse(text) : text;
}
