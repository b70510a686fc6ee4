/** What the headers say about a body that is read. */
import { err, ok, type Result } from '../base/result.ts';
import type { HeaderValues } from './header-values.ts';

const TYPE = /^([a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+)[ \t]*((?:;.*)?)$/;
const UTF8_ONLY = /^(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-?8"?[ \t]*)?;?$/;

/** The media type in lower case, of a body that is no more than UTF-8 text. Errors are clauses. */
export function bodyType(headers: HeaderValues): Result<string, string> {
  const codings = headers('content-encoding');
  if (codings.some((coding) => coding.trim().toLowerCase() !== 'identity'))
    return err('the body has a Content-Encoding, so it cannot be read');
  const types = headers('content-type');
  if (types.length !== 1) return err('there is no single Content-Type');
  const match = TYPE.exec(types[0]!.trim().toLowerCase());
  if (match === null) return err('the Content-Type is malformed');
  if (!UTF8_ONLY.test(match[2]!)) return err('the Content-Type has parameters other than `charset=utf-8`');
  return ok(match[1]!);
}
