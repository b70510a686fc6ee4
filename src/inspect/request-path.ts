/**
 * Request paths in the one spelling that rules are compared with, and that is sent: a server never sees another path
 * than the one that was judged. What servers read in different ways is refused, not repaired.
 */
import { err, ok, type Result } from '../base/result.ts';

export interface CanonicalPath {
  /** Begins with `/`: no dot segment, no `//`, no `;parameters`, escapes in upper case and only where needed. */
  readonly path: string;
  /** What stands between the slashes, at least one text. */
  readonly segments: readonly string[];
  /** Some segment holds `%2F`. */
  readonly encodedSlash: boolean;
}

export interface PathOptions {
  readonly allowEncodedSlash: boolean;
}

/** Of the path as it came, and of the canonical one; characters are bytes, since both are ASCII. */
export const MAX_PATH = 4096;

const HEX = /^[0-9A-Fa-f]{2}$/;
const UNRESERVED = /[A-Za-z0-9._~-]/;
/** RFC 3986 pchar, without `%` and `;`. */
const PLAIN = /[A-Za-z0-9._~!$&'()*+,=:@-]/;
/** Bytes that some decoders take for `/` or `.`, though UTF-8 forbids them. */
const OVERLONG = /%C[01]|%E0%[89]|%F0%8/;
/** What most paths are: in the one spelling already. No dot begins a segment, no segment is empty but the last. */
const CANONICAL = /^(?:\/(?!\.)[A-Za-z0-9._~!$&'()*+,=:@-]+)*\/?$/;
/** `.` or `..`, as whoever splits at an escaped slash or backslash finds it, or cuts off escaped parameters. */
const HIDDEN_DOTS = /^\.{1,2}(?:%3B|$)/;

/** Errors are clauses that follow "the path"; they repeat nothing of it. */
export function canonicalPath(
  raw: string,
  { allowEncodedSlash }: PathOptions,
): Result<CanonicalPath, string> {
  if (raw.length > MAX_PATH) return err(`is longer than ${MAX_PATH} bytes`);
  if (raw !== '' && raw[0] !== '/') return err('does not begin with `/`');
  if (raw !== '' && CANONICAL.test(raw))
    return ok({ path: raw, segments: raw.slice(1).split('/'), encodedSlash: false });
  const normal = normalEscapes(raw);
  if (!normal.ok) return normal;
  const segments = resolve(normal.value.split('/').slice(1));
  if (segments === null) return err('climbs above the root');
  const path = `/${segments.join('/')}`;
  if (path.length > MAX_PATH) return err(`is longer than ${MAX_PATH} bytes once it is escaped`);
  const encodedSlash = path.includes('%2F');
  if (encodedSlash && !allowEncodedSlash) return err('holds an escaped slash (`%2F`)');
  if (OVERLONG.test(path))
    return err('holds escaped bytes that are no UTF-8 and that some servers read as ASCII');
  if (path.includes('%') && path.split(/\/|%2F|%5C/).some((part) => HIDDEN_DOTS.test(part)))
    return err('hides a dot segment behind an escape');
  return ok({ path, segments, encodedSlash });
}

/** Each character as itself or as an escape, as the canonical path has it; `;` stays. */
function normalEscapes(raw: string): Result<string, string> {
  let text = '';
  for (let i = 0; i < raw.length; i += 1) {
    const c = raw[i]!;
    const code = raw.charCodeAt(i);
    if (c === '%') {
      const digits = raw.slice(i + 1, i + 3);
      if (!HEX.test(digits)) return err('holds `%` without two hexadecimal digits');
      const byte = Number.parseInt(digits, 16);
      if (byte < 0x20 || byte === 0x7f) return err('holds an escaped control character');
      const character = String.fromCharCode(byte);
      text += UNRESERVED.test(character) ? character : `%${digits.toUpperCase()}`;
      i += 2;
    } else if (code <= 0x20 || code === 0x7f) {
      return err('holds a blank or control character');
    } else if (code > 0x7f) {
      return err('holds a character outside ASCII; write its UTF-8 bytes as `%XX`');
    } else if (c === '?' || c === '#' || c === '\\') {
      return err(`holds \`${c}\`, which paths cannot have`);
    } else if (c === '/' || c === ';' || PLAIN.test(c)) {
      text += c;
    } else {
      text += `%${code.toString(16).toUpperCase()}`;
    }
  }
  return ok(text);
}

/** Without parameters, empty segments and dot segments; a path that ended in one of these ends in `/`. Null: above the root. */
function resolve(segments: readonly string[]): string[] | null {
  const resolved: string[] = [];
  let open = true;
  for (const segment of segments) {
    const text = segment.split(';', 1)[0]!;
    open = text === '' || text === '.' || text === '..';
    if (text === '..' && resolved.pop() === undefined) return null;
    if (!open) resolved.push(text);
  }
  return open ? [...resolved, ''] : resolved;
}
