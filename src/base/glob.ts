/**
 * Globs with one separator, matched in at most pattern times text steps, never exponential, since the text
 * is chosen by the sandboxed program.
 *
 * `*` and `?` stay inside one component. `**` as a whole component stands for any number of components, also none,
 * except at the end, where it needs at least one (`/v1/**` does not match `/v1`). `**` glued to other characters is `*`.
 * `[abc]`, `[a-z]`, `[!a]` match one character inside a component. `{a,b}` is expanded before matching.
 */
import { err, ok, type Result } from './result.ts';

export interface Glob {
  readonly pattern: string;
  test(text: string): boolean;
}

const MAX_ALTERNATIVES = 64;
const MAX_PATTERN = 4096;

export type GlobPiece =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | {
      readonly kind: 'set';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [number, number])[];
    };

/** `deep` is `**` as a whole component. */
export type GlobComponent = 'deep' | readonly GlobPiece[];

export function compileGlob(pattern: string, separator: '/' | '.'): Result<Glob, string> {
  const parsed = parseGlob(pattern, separator);
  if (!parsed.ok) return parsed;
  const alternatives = parsed.value;
  return ok({
    pattern,
    test: (text) => {
      const components = text.split(separator);
      return alternatives.some((alternative) => matchComponents(alternative, components));
    },
  });
}

/** The alternatives that a pattern stands for, each as its components: for indexes of many patterns. */
export function parseGlob(
  pattern: string,
  separator: '/' | '.',
): Result<readonly (readonly GlobComponent[])[], string> {
  if (pattern.length > MAX_PATTERN) return err(`the pattern is longer than ${MAX_PATTERN} characters`);
  const expanded = expandBraces(pattern);
  if (!expanded.ok) return expanded;
  const alternatives: GlobComponent[][] = [];
  for (const text of expanded.value) {
    const parsed = parseAlternative(text, separator);
    if (!parsed.ok) return parsed;
    alternatives.push(parsed.value);
  }
  return ok(alternatives);
}

/** True when the text has a character that makes it a pattern. */
export const isGlob = (text: string): boolean => /[*?[{]/.test(text);

function expandBraces(pattern: string): Result<readonly string[], string> {
  let done: string[] = [''];
  for (let i = 0; i < pattern.length; i += 1) {
    const c = pattern[i]!;
    if (c === '}') return err('`}` without `{`');
    if (c !== '{') {
      done = done.map((prefix) => prefix + c);
      continue;
    }
    const end = pattern.indexOf('}', i);
    if (end < 0) return err('`{` without `}`');
    const inner = pattern.slice(i + 1, end);
    if (inner.includes('{')) return err('nested `{` is not supported');
    const choices = inner.split(',');
    if (done.length * choices.length > MAX_ALTERNATIVES)
      return err(`braces expand to more than ${MAX_ALTERNATIVES} patterns`);
    done = done.flatMap((prefix) => choices.map((choice) => prefix + choice));
    i = end;
  }
  return ok(done);
}

function parseAlternative(text: string, separator: string): Result<GlobComponent[], string> {
  const components: GlobComponent[] = [];
  for (const part of text.split(separator)) {
    if (part === '**') {
      components.push('deep');
      continue;
    }
    const pieces = parsePieces(part);
    if (!pieces.ok) return pieces;
    components.push(pieces.value);
  }
  return ok(components);
}

function parsePieces(part: string): Result<GlobPiece[], string> {
  const pieces: GlobPiece[] = [];
  for (let i = 0; i < part.length; i += 1) {
    const c = part[i]!;
    if (c === '*') {
      if (pieces.at(-1)?.kind !== 'star') pieces.push({ kind: 'star' });
    } else if (c === '?') {
      pieces.push({ kind: 'any' });
    } else if (c === '[') {
      const end = part.indexOf(']', i + 2);
      if (end < 0) return err('`[` without `]`');
      pieces.push(parseSet(part.slice(i + 1, end)));
      i = end;
    } else {
      pieces.push({ kind: 'char', code: part.charCodeAt(i) });
    }
  }
  return ok(pieces);
}

function parseSet(body: string): GlobPiece {
  const negated = body[0] === '!' || body[0] === '^';
  const text = negated ? body.slice(1) : body;
  const ranges: [number, number][] = [];
  for (let i = 0; i < text.length; i += 1) {
    const low = text.charCodeAt(i);
    if (text[i + 1] === '-' && i + 2 < text.length) {
      ranges.push([low, text.charCodeAt(i + 2)]);
      i += 2;
    } else {
      ranges.push([low, low]);
    }
  }
  return { kind: 'set', negated, ranges };
}

/** Greedy match with one remembered star per level, because a later `**` never needs an earlier one again. */
function matchComponents(pattern: readonly GlobComponent[], text: readonly string[]): boolean {
  let p = 0;
  let t = 0;
  let starPattern = -1;
  let starText = 0;
  while (t < text.length) {
    const component = pattern[p];
    if (component === 'deep') {
      if (p === pattern.length - 1) return true;
      starPattern = p;
      starText = t;
      p += 1;
    } else if (component !== undefined && matchPieces(component, text[t]!)) {
      p += 1;
      t += 1;
    } else if (starPattern >= 0) {
      starText += 1;
      t = starText;
      p = starPattern + 1;
    } else {
      return false;
    }
  }
  return p === pattern.length;
}

/** Whether one component of a text fits. */
export function matchPieces(pieces: readonly GlobPiece[], text: string): boolean {
  let p = 0;
  let t = 0;
  let starPiece = -1;
  let starText = 0;
  while (t < text.length) {
    const piece = pieces[p];
    if (piece?.kind === 'star') {
      starPiece = p;
      starText = t;
      p += 1;
    } else if (piece !== undefined && matchOne(piece, text.charCodeAt(t))) {
      p += 1;
      t += 1;
    } else if (starPiece >= 0) {
      starText += 1;
      t = starText;
      p = starPiece + 1;
    } else {
      return false;
    }
  }
  while (pieces[p]?.kind === 'star') p += 1;
  return p === pieces.length;
}

function matchOne(piece: GlobPiece, code: number): boolean {
  switch (piece.kind) {
    case 'char':
      return piece.code === code;
    case 'any':
      return true;
    case 'set':
      return piece.ranges.some(([low, high]) => code >= low && code <= high) !== piece.negated;
    case 'star':
      return false;
  }
}
