/**
 * Names that some servers take for one that means something: decoders of Go and .NET match members without regard to
 * case, others drop `_`, `-` and brackets. A message that holds one could be read as two.
 */

/** The first name that is not among `known` but that someone could take for one of them. */
export function lookAlike(names: Iterable<string>, known: readonly string[]): string | null {
  const plain = new Set(known.map(plainName));
  for (const name of names) if (!known.includes(name) && plain.has(plainName(name))) return name;
  return null;
}

/** Upper case first: it turns `ſ` into `S`, lower case turns the Kelvin sign into `k`. */
const plainName = (name: string): string =>
  name
    .toUpperCase()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
