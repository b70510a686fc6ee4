/**
 * Paths and patterns as servers read them that decode a path before they split it: `%3A` is `:`, `%2F` is `/`. RFC 3986
 * lets the two be different resources, so neither spelling is changed in what is sent; a deny rule covers both.
 */
import type { GlobComponent, GlobPiece } from '../base/glob.ts';

const DELIMITER = /%(2[146789ABCF]|3[AD]|40|5C)/;
const DELIMITERS = new RegExp(DELIMITER, 'g');

/** Some servers take an escaped backslash for a slash too. */
const decoded = (hex: string): string => (hex === '5C' ? '/' : String.fromCharCode(Number.parseInt(hex, 16)));

const lenientText = (path: string): string => path.replace(DELIMITERS, (_, hex: string) => decoded(hex));

/** Components of a canonical path; null: it holds no escaped delimiter. */
export function lenientComponents(path: string): readonly string[] | null {
  if (!path.includes('%')) return null;
  const text = lenientText(path);
  return text === path ? null : text.replace(/\/{2,}/g, '/').split('/');
}

/**
 * Components as the boldest of servers read them, which undo escapes twice, cut off what stands behind an escaped `;`,
 * `?` or `#`, and resolve dots after all that. Null: it
 * holds nothing of the kind.
 */
export function boldestComponents(path: string): readonly string[] | null {
  if (!/%(?:25|3B|3F|23)/.test(path)) return null;
  const once = path
    .replaceAll('%25', '%')
    .replace(/%[0-9A-Fa-f]{2}/g, (text) => unreserved(text) ?? text.toUpperCase());
  const segments: string[] = [];
  for (const part of lenientText(once.split(/%3F|%23/, 1)[0]!).split('/')) {
    const segment = part.split('%3B', 1)[0]!;
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return path.endsWith('/') ? ['', ...segments, ''] : ['', ...segments];
}

function unreserved(escaped: string): string | null {
  const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(character) ? character : null;
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
