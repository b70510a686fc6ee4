/** Placeholders in the head of a request: header values, path segments, values of the query. Nowhere else. */
import { err, ok, type Result } from '../base/result.ts';
import { isMarked, isMarkedEncoded, type Substituted, substitute, type Values } from './placeholder.ts';
import { describeSubstitution, type InjectionProblem, problem } from './problem.ts';
import { CREDENTIAL_LIMITS } from './provider.ts';

export interface Head {
  /** Origin form. */
  readonly target: string;
  /** A flat list of names and values. */
  readonly headers: readonly string[];
}

/** Whether something in it looks like a placeholder: also escaped, several times over, or in a Basic credential. */
export function headIsMarked({ target, headers }: Head): boolean {
  if (isMarkedEncoded(target)) return true;
  return headers.some((text, i) => {
    if (isMarkedEncoded(text)) return true;
    const basic = i % 2 === 1 && isAuthorization(headers[i - 1]!) ? basicText(text) : null;
    return basic !== null && isMarkedEncoded(basic);
  });
}

const isAuthorization = (name: string): boolean => /^(?:proxy-)?authorization$/i.test(name);

/** What stands behind `Basic`, decoded; null: it is no Basic credential. */
function basicText(value: string): string | null {
  const digits = /^basic\s+([A-Za-z0-9+/_-]+=*)\s*$/i.exec(value)?.[1];
  return digits === undefined ? null : Buffer.from(digits, 'base64').toString('utf8');
}

/** @param places lower case: the headers in which placeholders may stand, besides Authorization */
export function fillHead(
  head: Head,
  values: Values,
  places: readonly string[],
): Result<Head, InjectionProblem> {
  const headers: string[] = [];
  for (let i = 0; i < head.headers.length; i += 2) {
    const name = head.headers[i]!;
    const filled = fillHeader(name, head.headers[i + 1]!, values, places);
    if (!filled.ok) return filled;
    headers.push(name, filled.value);
  }
  const target = fillTarget(head.target, values);
  if (!target.ok) return target;
  const length = headers.reduce((sum, text) => sum + text.length, target.value.length);
  if (length > CREDENTIAL_LIMITS.filledHeadBytes)
    return err(
      problem(
        'credential_not_placeable',
        `with its credentials, the head of the request has more than ${CREDENTIAL_LIMITS.filledHeadBytes} bytes`,
      ),
    );
  // Whatever was not recognised as one (an escape in a header, a name, another case) does not go out as one.
  return headIsMarked({ target: target.value, headers })
    ? err(
        problem(
          'credential_unavailable',
          'the head of the request holds what looks like a placeholder and cannot be replaced',
        ),
      )
    : ok({ target: target.value, headers });
}

function fillHeader(
  name: string,
  value: string,
  values: Values,
  places: readonly string[],
): Result<string, InjectionProblem> {
  const key = name.toLowerCase();
  const basic = isAuthorization(name) ? basicText(value) : null;
  if (!isMarked(value) && (basic === null || !isMarked(basic))) return ok(value);
  const where = `in the header ${key}`;
  if (key !== 'authorization' && !places.includes(key)) {
    // Where the credential is not bound at all, that is what to tell.
    const tried = substitute(value, values, (text) => ({ text }));
    if (tried.kind === 'problem') return err(describeSubstitution(tried.problem, where));
    const detail = `a placeholder stands ${where}, which \`credential_binding\` does not name`;
    return err(problem('credential_not_placeable', detail));
  }
  if (basic !== null && isMarked(basic)) {
    const filled = done(
      substitute(basic, values, (text) => ({ text })),
      where,
    );
    return filled.ok ? ok(`Basic ${Buffer.from(filled.value).toString('base64')}`) : filled;
  }
  return done(substitute(value, values, asHeader), where);
}

const asHeader = (text: string): { text: string } | { detail: string } =>
  /^[\x20-\x7e]*$/.test(text) ? { text } : { detail: 'it holds characters outside ASCII' };

const done = (substituted: Substituted, where: string): Result<string, InjectionProblem> =>
  substituted.kind === 'text' ? ok(substituted.text) : err(describeSubstitution(substituted.problem, where));

export function fillTarget(target: string, values: Values): Result<string, InjectionProblem> {
  if (!isMarkedEncoded(target)) return ok(target);
  const mark = target.indexOf('?');
  const path = fillPath(mark < 0 ? target : target.slice(0, mark), values);
  if (!path.ok || mark < 0) return path;
  const query = fillQuery(target.slice(mark + 1), values);
  return query.ok ? ok(`${path.value}?${query.value}`) : query;
}

function fillPath(path: string, values: Values): Result<string, InjectionProblem> {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    const decoded = decode(segment);
    if (decoded === null || !isMarked(decoded)) {
      segments.push(segment);
      continue;
    }
    const filled = done(substitute(decoded, values, asSegment), 'in the path');
    if (!filled.ok) return filled;
    if (/^\.{1,2}$/.test(filled.value))
      return err(problem('credential_not_placeable', 'the credential would make a dot segment of the path'));
    // The rest of the segment as it came, were it written in the usual way; what a server decodes is the same.
    segments.push(escapeSegment(filled.value));
  }
  return ok(segments.join('/'));
}

/** It must be one segment for every server, whatever that decodes. */
const asSegment = (text: string): { text: string } | { detail: string } =>
  /[/\\?#;%]|\.\./.test(text) ? { detail: 'it holds characters that end a segment of a path' } : { text };

/** RFC 3986 pchar stays. */
const escapeSegment = (text: string): string =>
  encodeURIComponent(text).replace(/%(?:3A|40|24|26|2B|2C|3D)/g, (digits) => decodeURIComponent(digits));

function fillQuery(query: string, values: Values): Result<string, InjectionProblem> {
  const pairs: string[] = [];
  for (const pair of query.split('&')) {
    const filled = fillPair(pair, values, 'in the query');
    if (!filled.ok) return filled;
    pairs.push(filled.value);
  }
  return ok(pairs.join('&'));
}

/** `name=value`, of a query or a form; only values are filled. */
export function fillPair(pair: string, values: Values, where: string): Result<string, InjectionProblem> {
  const equals = pair.indexOf('=');
  const name = equals < 0 ? pair : pair.slice(0, equals);
  if (isMarkedEncoded(name))
    return err(
      problem(
        'credential_not_placeable',
        `a placeholder stands ${where} as a name, where only values are replaced`,
      ),
    );
  if (equals < 0) return ok(pair);
  const decoded = decode(pair.slice(equals + 1).replaceAll('+', '%20'));
  if (decoded === null || !isMarked(decoded)) return ok(pair);
  const filled = done(
    substitute(decoded, values, (text) => ({ text })),
    where,
  );
  return filled.ok ? ok(`${name}=${escapeStrictly(filled.value)}`) : filled;
}

/** Everything but RFC 3986 unreserved characters. */
const escapeStrictly = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Null: it is no escaped UTF-8. */
function decode(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
