/** Escapes of double-quoted YAML text. */

const ESCAPE = /\\([\s\S]?)/g;
const KNOWN_ESCAPES = new Set('0abetnvfr "/\\N_LP\t\r\n');
const HEXADECIMAL_ESCAPES = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/** The first escape that YAML 1.2 (5.7) does not know; found here because the library makes one error of each. */
export function badEscape(lexeme: string): string | null {
  for (const match of lexeme.matchAll(ESCAPE)) {
    const letter = match[1]!;
    const digits = HEXADECIMAL_ESCAPES.get(letter);
    if (digits === undefined) {
      if (!KNOWN_ESCAPES.has(letter)) return `\\${letter}`;
      continue;
    }
    const text = lexeme.slice(match.index + 2, match.index + 2 + digits);
    if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(text) || Number.parseInt(text, 16) > 0x10ffff) {
      return `\\${letter}${text}`;
    }
  }
  return null;
}
