/** The parameters of a query, decoded strictly: what decoders could read in different ways is refused. */
import { err, ok, type Result } from '../base/result.ts';

/** Values by name, in the order in which they stand. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

/** A query lies in the request line, which is shorter (docs/limits.md): a bound of its own, for whoever calls this. */
export const MAX_QUERY = 32_768;

const VISIBLE = /^[\x21-\x7e]*$/;

/** Takes what stands after `?`. Errors are clauses that follow "the query"; they repeat nothing of it. */
export function parseQuery(raw: string): Result<Parameters, string> {
  if (raw.length > MAX_QUERY) return err(`is longer than ${MAX_QUERY} bytes`);
  if (!VISIBLE.test(raw)) return err('holds a blank, a control character or a character outside ASCII');
  if (raw.includes('#')) return err('holds `#`');
  const parameters = new Map<string, string[]>();
  for (const part of raw.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    if (!name.ok) return name;
    const value = decode(equals < 0 ? '' : part.slice(equals + 1));
    if (!value.ok) return value;
    const known = parameters.get(name.value);
    if (known === undefined) parameters.set(name.value, [value.value]);
    else known.push(value.value);
  }
  return ok(parameters);
}

function decode(text: string): Result<string, string> {
  if (!/[%+]/.test(text)) return ok(text);
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return err('holds `%` without two hexadecimal digits');
  if (text.includes('%00')) return err('holds an escaped NUL');
  try {
    return ok(decodeURIComponent(text.replaceAll('+', ' ')));
  } catch {
    return err('holds escapes that are no UTF-8');
  }
}
