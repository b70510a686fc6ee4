import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/policy/check.ts';
import { ISSUE_CODES } from '../../src/policy/codes.ts';
import type {
  EitherShape,
  Fields,
  ListShape,
  MapShape,
  ObjectShape,
  Shape,
} from '../../src/policy/fields.ts';
import { PROTOCOLS, RELAXATIONS } from '../../src/policy/policy.ts';
import { POLICY } from '../../src/policy/schema.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('docs/policy-errors.md', () => {
  const rows = [...read('docs/policy-errors.md').matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \|$/gm)];

  it('has one line for each code, with its kind and meaning', () => {
    const written = rows.map(([, code, severity, meaning]) => [
      code,
      { severity, meaning: meaning!.replaceAll('\\|', '|') },
    ]);
    expect(written).toEqual(Object.entries(ISSUE_CODES));
  });

  it('has no code that nothing uses', () => {
    const sources = readdirSync(join(ROOT, 'src/policy'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && file !== 'codes.ts')
      .map((file) => read(`src/policy/${file}`))
      .join('\n');
    expect(Object.keys(ISSUE_CODES).filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
  });

  it('has a sentence for each meaning', () => {
    for (const { meaning } of Object.values(ISSUE_CODES)) expect(meaning).toMatch(/^[A-Z`].*\.$/);
  });
});

describe('docs/policy.md', () => {
  const text = read('docs/policy.md');
  const examples = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml]) => yaml!);

  it.each(examples.map((yaml) => [yaml.split('\n', 2).join(' / '), yaml] as const))(
    'has an example that loads: %s',
    (_, yaml) => {
      const { issues } = parsePolicy(yaml.includes('version: 1') ? yaml : `version: 1\n${yaml}`);
      expect(issues.filter(({ severity, code }) => severity !== 'note' && code !== 'relaxation')).toEqual([]);
    },
  );

  it('has many examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(8);
  });

  it('names every key of the language, and marks those that only we have', () => {
    const lines = text.split('\n');
    const missing = [...allFields(POLICY as ObjectShape<Fields>)].filter(([key, field]) => {
      // All of these two sections is ours, which their headings say.
      const mark =
        field.origin === 'extension' && !['limits', 'expectation'].includes(field.owner) ? '**ext**' : '';
      const name = new RegExp(`\`[^\`]*\\b${key}\\b`);
      return !lines.some((line) => name.test(line) && line.includes(mark));
    });
    expect(missing.map(([key]) => key)).toEqual([]);
  });

  it('names every protocol and every relaxation', () => {
    for (const word of [...PROTOCOLS, ...RELAXATIONS]) expect(text).toContain(`\`${word}\``);
  });

  it('has no line longer than a screen is wide, outside tables', () => {
    const long = text
      .split('\n')
      .filter((line) => line.length > 130 && !line.startsWith('|') && !line.startsWith('      '));
    expect(long).toEqual([]);
  });
});

function* allFields(shape: ObjectShape<Fields>): Generator<[string, Fields[string] & { owner: string }]> {
  for (const [key, field] of Object.entries(shape.fields)) {
    yield [key, { ...field, owner: shape.name ?? '' }];
    const inner = innerObject(field.shape);
    if (inner !== null) yield* allFields(inner);
  }
}

function innerObject(shape: Shape): ObjectShape<Fields> | null {
  switch (shape.kind) {
    case 'object':
      return shape as ObjectShape<Fields>;
    case 'list':
      return innerObject((shape as ListShape<Shape>).of);
    case 'map':
      return innerObject((shape as MapShape<Shape>).of);
    case 'either':
      return innerObject((shape as EitherShape<Shape, Shape>).long);
    default:
      return null;
  }
}
