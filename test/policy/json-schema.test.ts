import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type {
  EitherShape,
  Fields,
  ListShape,
  MapShape,
  ObjectShape,
  Shape,
} from '../../src/policy/fields.ts';
import { type JsonSchema, policyJsonSchema, routesJsonSchema } from '../../src/policy/json-schema.ts';
import { POLICY } from '../../src/policy/schema.ts';
import { corpus } from './corpus.ts';

const FILE = join(import.meta.dirname, '../../schema/policy.schema.json');
const schema = policyJsonSchema();

describe('schema/policy.schema.json', () => {
  it('is what the descriptors say', () => {
    expect(readFileSync(FILE, 'utf8'), 'run `npm run generate`').toBe(`${JSON.stringify(schema, null, 2)}\n`);
  });

  it('has a sister for the routes of inference.local', () => {
    const file = join(import.meta.dirname, '../../schema/routes.schema.json');
    expect(readFileSync(file, 'utf8'), 'run `npm run generate`').toBe(
      `${JSON.stringify(routesJsonSchema(), null, 2)}\n`,
    );
  });

  it('has the keys of every mapping, each with a description, and allows no others', () => {
    for (const [shape, written] of objects(POLICY as ObjectShape<Fields>)) {
      expect(Object.keys(written.properties as object)).toEqual(Object.keys(shape.fields));
      expect(written.additionalProperties).toBe(false);
      for (const property of Object.values(written.properties as Record<string, JsonSchema>)) {
        expect(property.description).toMatch(/\S/);
      }
    }
  });

  it('refers to nothing that it does not define', () => {
    const references = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(10);
    expect([...new Set(references)].sort()).toEqual(Object.keys(schema.$defs as object).sort());
  });

  it('marks what only we have', () => {
    expect(JSON.stringify((schema.properties as Record<string, JsonSchema>)['limits'])).toContain(
      'Extension',
    );
    expect(JSON.stringify((schema.properties as Record<string, JsonSchema>)['landlock'])).not.toContain(
      'Extension',
    );
  });

  it('accepts the valid policies', () => {
    for (const { name, text } of corpus('good')) {
      // Written for an older OpenShell, with words that editors shall not offer.
      if (name === 'good/old-openshell') continue;
      expect(problems(schema, parse(text), name), name).toEqual([]);
    }
  });

  it('refuses what it can see of the invalid ones', () => {
    const seen = [
      'unknown-section',
      'version-2',
      'text-for-list',
      'enforcement-unknown',
      'port-range',
      'version-missing',
      'rules-empty',
      'wrong-types',
    ];
    for (const { name, text } of corpus('bad').filter((file) => seen.includes(file.name.slice(4)))) {
      expect(problems(schema, parse(text), name), name).not.toEqual([]);
    }
  });
});

/** Every mapping of the language with what the schema says of it. */
function objects(root: ObjectShape<Fields>): (readonly [ObjectShape<Fields>, JsonSchema])[] {
  const found: (readonly [ObjectShape<Fields>, JsonSchema])[] = [[root, schema]];
  const visit = (shape: Shape): void => {
    if (shape.kind === 'list') visit((shape as ListShape<Shape>).of);
    if (shape.kind === 'map') visit((shape as MapShape<Shape>).of);
    if (shape.kind === 'either') visit((shape as EitherShape<Shape, Shape>).long);
    if (shape.kind !== 'object') return;
    const inner = shape as ObjectShape<Fields>;
    found.push([inner, (schema.$defs as Record<string, JsonSchema>)[inner.name!]!]);
    for (const { shape: next } of Object.values(inner.fields)) visit(next);
  };
  for (const { shape } of Object.values(root.fields)) visit(shape);
  return found;
}

/** As much of JSON Schema as the generator uses. */
function problems(given: JsonSchema, value: unknown, at: string): string[] {
  const reference = given.$ref as string | undefined;
  if (reference !== undefined)
    return problems(
      (schema.$defs as Record<string, JsonSchema>)[reference.slice('#/$defs/'.length)]!,
      value,
      at,
    );
  if (given.anyOf !== undefined) {
    const tried = (given.anyOf as JsonSchema[]).map((one) => problems(one, value, at));
    return tried.some((found) => found.length === 0) ? [] : tried.flat();
  }
  const found: string[] = [];
  const fail = (what: string): void => {
    found.push(`${at}: ${what}`);
  };
  const type =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'array'
        : Number.isInteger(value)
          ? 'integer'
          : typeof value;
  const types = given.type === undefined ? null : [given.type].flat();
  if (types !== null && !types.includes(type) && !(type === 'integer' && types.includes('number')))
    return [`${at}: ${type}`];
  if (given.const !== undefined && given.const !== value) fail('const');
  if (given.enum !== undefined && !(given.enum as unknown[]).includes(value)) fail('enum');
  if (
    typeof value === 'number' &&
    (value < Number(given.minimum ?? value) || value > Number(given.maximum ?? value))
  )
    fail('range');
  if (
    typeof value === 'string' &&
    given.pattern !== undefined &&
    !new RegExp(given.pattern as string).test(value)
  )
    fail('pattern');
  if (typeof value === 'string' && value.length < Number(given.minLength ?? 0)) fail('length');
  if (Array.isArray(value)) {
    if (value.length < Number(given.minItems ?? 0)) fail('items');
    value.forEach((item, i) => {
      found.push(...problems((given.items ?? {}) as JsonSchema, item, `${at}[${i}]`));
    });
  } else if (typeof value === 'object' && value !== null) {
    const properties = (given.properties ?? {}) as Record<string, JsonSchema>;
    for (const key of (given.required ?? []) as string[]) if (!(key in value)) fail(`missing ${key}`);
    for (const [key, inner] of Object.entries(value)) {
      const next = properties[key] ?? given.additionalProperties;
      if (next === false) fail(`unknown ${key}`);
      else if (typeof next === 'object') found.push(...problems(next as JsonSchema, inner, `${at}.${key}`));
    }
  }
  return found;
}
