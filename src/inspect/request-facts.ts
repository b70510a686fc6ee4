/** The head of a request, as it came, to the facts that are judged. */
import { ok, type Result } from '../base/result.ts';
import { boldestComponents, lenientComponents } from '../match/lenient-path.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import { parseQuery } from './query.ts';
import { canonicalPath } from './request-path.ts';
import { problem, type RequestProblem } from './request-problem.ts';

export interface RequestHead {
  readonly method: string;
  /** Request-target, in origin form or absolute form. */
  readonly target: string;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;
/** CONNECT has no path; the other is what rules call a text message, and no client may pass a request off as one. */
const NO_REQUESTS = ['CONNECT', 'WEBSOCKET_TEXT'];

/** `%2F` is let through here, for the endpoint is not known yet; `decideRequest` looks at it. */
export function requestFacts({ method: raw, target }: RequestHead): Result<RequestFacts, RequestProblem> {
  if (!TOKEN.test(raw)) return problem('malformed_request', 'the method is no token');
  const method = raw.toUpperCase();
  if (NO_REQUESTS.includes(method))
    return problem('malformed_request', `${method} is no method of a request that is inspected`);
  if (target === '*') {
    if (method === 'OPTIONS') return ok(facts(method, '*', '', new Map(), null, false));
    return problem('malformed_request', 'only OPTIONS has the target `*`');
  }
  const absolute = ABSOLUTE.exec(target);
  const origin = absolute === null ? target : absolute[2]!;
  if (origin === '' && absolute === null) return problem('malformed_request', 'the target is empty');
  // RFC 9112 section 3.2.4: OPTIONS of a URL without a path is about the server as a whole.
  if (origin === '' && method === 'OPTIONS')
    return ok(facts(method, '*', '', new Map(), absolute![1]!, false));
  const mark = origin.indexOf('?');
  const path = canonicalPath(mark < 0 ? origin : origin.slice(0, mark), { allowEncodedSlash: true });
  if (!path.ok) return problem('path_invalid', `the path ${path.error}`);
  const rawQuery = mark < 0 ? '' : origin.slice(mark + 1);
  const query = parseQuery(rawQuery);
  if (!query.ok) return problem('query_invalid', `the query ${query.error}`);
  const suffix = mark < 0 ? '' : `?${rawQuery}`;
  const authority = absolute === null ? null : absolute[1]!;
  return ok(facts(method, path.value.path, suffix, query.value, authority, path.value.encodedSlash));
}

const facts = (
  method: string,
  path: string,
  suffix: string,
  query: RequestFacts['query'],
  authority: string | null,
  encodedSlash: boolean,
): RequestFacts => ({
  method,
  path,
  target: path + suffix,
  components: path.split('/'),
  lenient: lenientComponents(path),
  boldest: boldestComponents(path),
  encodedSlash,
  query,
  authority,
  asked: null,
});
