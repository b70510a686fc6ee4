/**
 * Names that some servers take for one that means something: decoders of Go and .NET match members without regard to
 * case, others drop `_`, `-` and brackets. A message that holds one could be read as two.
 */

/** Whether some name is not one of `known` but could be taken for one. */
export const hasLookAlike = (names: Iterable<string>, known: readonly string[]): boolean =>
  anyResembles(
    [...names].filter((name) => !known.includes(name)),
    known,
  );

/** Whether some name is one of these, or could be taken for one. */
export function anyResembles(names: Iterable<string>, others: readonly string[]): boolean {
  const plain = new Set(others.map(plainName));
  return [...names].some((name) => plain.has(plainName(name)));
}

/** Upper case first: it turns `ſ` into `S`, lower case turns the Kelvin sign into `k`. */
const plainName = (name: string): string =>
  name
    .toUpperCase()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
