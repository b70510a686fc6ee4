/** What to write instead of a key that is not known at its place. */
import type { EitherShape, Fields, ListShape, MapShape, ObjectShape, Shape } from './fields.ts';
import { nearest } from './suggest.ts';

export function hintForKey(key: string, shape: ObjectShape<Fields>): string {
  const known = Object.keys(shape.fields);
  if (Object.hasOwn(shape.mistakes, key)) return `Did you mean \`${shape.mistakes[key]}\`?`;
  const inside = placeInside(key, shape);
  if (inside !== null) return `\`${key}\` belongs under \`${inside}\`.`;
  const near = nearest(key, known);
  if (near !== null) return `Did you mean \`${near}\`?`;
  const shown = known.filter((name) => shape.fields[name]!.origin !== 'removed');
  return `Known here: ${shown.map((name) => `\`${name}\``).join(', ')}.`;
}

/** The child of this mapping that has the key itself, as `endpoints[]`; looks two levels down. */
function placeInside(key: string, shape: ObjectShape<Fields>, depth = 2): string | null {
  for (const [name, field] of Object.entries(shape.fields)) {
    const { object, suffix } = innerObject(field.shape);
    if (object !== null && Object.hasOwn(object.fields, key)) return `${name}${suffix}`;
  }
  if (depth === 1) return null;
  for (const [name, field] of Object.entries(shape.fields)) {
    const { object, suffix } = innerObject(field.shape);
    const inside = object === null ? null : placeInside(key, object, depth - 1);
    if (inside !== null) return `${name}${suffix}.${inside}`;
  }
  return null;
}

function innerObject(shape: Shape, suffix = ''): { object: ObjectShape<Fields> | null; suffix: string } {
  switch (shape.kind) {
    case 'object':
      return { object: shape as ObjectShape<Fields>, suffix };
    case 'list':
      return innerObject((shape as ListShape<Shape>).of, `${suffix}[]`);
    case 'map':
      return innerObject((shape as MapShape<Shape>).of, `${suffix}.<name>`);
    case 'either':
      return innerObject((shape as EitherShape<Shape, Shape>).long, suffix);
    default:
      return { object: null, suffix };
  }
}
