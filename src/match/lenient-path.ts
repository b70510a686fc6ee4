/**
 * Paths and patterns as servers read them that decode a path before they split it: `%3A` is `:`, `%2F` is `/`. RFC 3986
 * lets the two be different resources, so neither spelling is changed in what is sent; a deny rule covers both.
 */
import type { GlobComponent, GlobPiece } from '../base/glob.ts';

const DELIMITER = /%(2[146789ABCF]|3[AD]|40|5C)/;
const DELIMITERS = new RegExp(DELIMITER, 'g');

/** Some servers take an escaped backslash for a slash too. */
const decoded = (hex: string): string => (hex === '5C' ? '/' : String.fromCharCode(Number.parseInt(hex, 16)));

/** Components of a canonical path; null: it holds no escaped delimiter. */
export function lenientComponents(path: string): readonly string[] | null {
  if (!path.includes('%')) return null;
  const text = path.replace(DELIMITERS, (_, hex: string) => decoded(hex));
  return text === path ? null : text.replace(/\/{2,}/g, '/').split('/');
}

/** The same for a pattern; null: no difference. */
export function lenientPattern(components: readonly GlobComponent[]): readonly GlobComponent[] | null {
  let changed = false;
  const all: GlobComponent[] = [];
  for (const component of components) {
    if (component === 'deep') {
      all.push(component);
      continue;
    }
    let pieces: GlobPiece[] = [];
    for (let i = 0; i < component.length; i += 1) {
      const found = DELIMITER.exec(textAt(component, i, 3));
      if (found === null) {
        pieces.push(component[i]!);
        continue;
      }
      changed = true;
      i += 2;
      const character = decoded(found[1]!);
      if (character !== '/') {
        pieces.push({ kind: 'char', code: character.charCodeAt(0) });
        continue;
      }
      all.push(pieces);
      pieces = [];
    }
    all.push(pieces);
  }
  return changed ? all : null;
}

/** The characters from `at` on, as far as they are literal. */
function textAt(pieces: readonly GlobPiece[], at: number, length: number): string {
  let text = '';
  for (const piece of pieces.slice(at, at + length)) {
    if (piece.kind !== 'char') break;
    text += String.fromCharCode(piece.code);
  }
  return text;
}
