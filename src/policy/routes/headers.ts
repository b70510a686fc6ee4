/** Headers that a route sets. */
import type { Read } from '../fields.ts';
import { type Issues, quoted } from '../issues.ts';
import type { ROUTE } from './schema.ts';

type HeadersRead = NonNullable<Read<typeof ROUTE>['value']['fields']['headers']>;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const VALUE = /^[\x20-\x7e]+$/;

/** They say where a message goes, where it ends, or what it is. */
const OURS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const SECRET = /authorization|cookie|api-?key|token|secret|password/;

/** Names in lower case, in the order of the file. */
export function checkHeaders(
  read: HeadersRead | undefined,
  issues: Issues,
): (readonly [name: string, value: string])[] {
  const seen = new Set<string>();
  return (read?.value ?? []).flatMap(({ key, keySpan, path, read: value }) => {
    const name = key.toLowerCase();
    // At the key: what stands there by mistake may be a secret.
    const place = { span: keySpan, path };
    if (!TOKEN.test(name)) issues.report('invalid_header', place, `${quoted(key)} is no name of a header`);
    else if (OURS.has(name))
      issues.report('invalid_header', place, `openshell sets ${quoted(name)} itself`, 'Remove it.');
    else if (SECRET.test(name))
      issues.report(
        'literal_secret',
        place,
        `${quoted(name)} carries a secret`,
        'Write `credential: env:VARIABLE` instead.',
      );
    else if (seen.has(name)) issues.report('duplicate_entry', place, `${quoted(name)} stands here twice`);
    else if (value !== undefined && !VALUE.test(value.value))
      issues.report('invalid_header', place, 'the value holds a character that headers cannot have');
    seen.add(name);
    return value === undefined ? [] : [[name, value.value] as const];
  });
}
