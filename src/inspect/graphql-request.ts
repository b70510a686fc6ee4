/** A request of GraphQL over HTTP to the operations that it runs. */

import { ok, type Result } from '../base/result.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type { Asked, Operation } from '../match/asked.ts';
import type { RequestFacts } from '../match/request-facts.ts';
import { bodyType } from './body-type.ts';
import { type GraphqlReader, PARAMETERS, readParameters } from './graphql-parameters.ts';
import type { HeaderValues } from './header-values.ts';
import { isArray, isObject, type JsonValue, parseJson } from './json.ts';
import { hasLookAlike } from './look-alike.ts';
import { problem, type RequestProblem } from './request-problem.ts';

/** Requests in one array. */
const MAX_BATCH = 64;

export function readGraphqlRequest(
  facts: RequestFacts,
  headers: HeaderValues,
  body: Uint8Array,
  reader: GraphqlReader,
): Result<Asked, RequestProblem> {
  switch (facts.method) {
    case 'GET':
    case 'HEAD':
      return body.length > 0 ? invalid('the request has a body too') : fromQuery(facts, reader);
    case 'POST':
      return fromBody(facts, headers, body, reader);
    default:
      return invalid('GraphQL is asked for with GET or POST');
  }
}

function fromQuery({ query }: RequestFacts, reader: GraphqlReader): Result<Asked, RequestProblem> {
  const parameters = new Map<string, JsonValue>();
  for (const [name, values] of query) {
    if (values.length > 1) return invalid('a parameter of the query stands there twice');
    const [value] = values as [string];
    if (name !== 'variables' && name !== 'extensions') {
      parameters.set(name, value);
      continue;
    }
    const parsed = value === '' ? ok(null) : parseJson(value);
    if (!parsed.ok) return invalid(`the JSON of \`${name}\` ${parsed.error}`);
    parameters.set(name, parsed.value);
  }
  return oneOf([parameters], reader);
}

function fromBody(
  { query }: RequestFacts,
  headers: HeaderValues,
  body: Uint8Array,
  reader: GraphqlReader,
): Result<Asked, RequestProblem> {
  // Some servers prefer what stands in the query of the URL.
  const names = [...query.keys()];
  if (
    names.some((name) => (PARAMETERS as readonly string[]).includes(name)) ||
    hasLookAlike(names, PARAMETERS)
  )
    return invalid('parameters of GraphQL stand in the query of the URL and in the body');
  const type = bodyType(headers);
  if (!type.ok) return invalid(type.error);
  const text = decodeUtf8(body);
  if (text === null) return invalid('the body is no UTF-8');
  if (type.value === 'application/graphql') return oneOf([new Map([['query', text]])], reader);
  if (type.value !== 'application/json')
    return invalid('the Content-Type is neither `application/json` nor `application/graphql`');
  const parsed = parseJson(text);
  if (!parsed.ok) return invalid(`the JSON ${parsed.error}`);
  return oneOf(isArray(parsed.value) ? parsed.value : [parsed.value], reader);
}

function oneOf(requests: readonly JsonValue[], reader: GraphqlReader): Result<Asked, RequestProblem> {
  if (requests.length === 0) return invalid('the array of requests is empty');
  if (requests.length > MAX_BATCH) return invalid(`there are more than ${MAX_BATCH} requests in one`);
  const items: Operation[] = [];
  for (const request of requests) {
    if (!isObject(request)) return invalid('a request is no object');
    const read = readParameters(request, reader);
    if (!read.ok) return invalid(read.error);
    items.push(read.value);
  }
  return ok({ kind: 'items', items });
}

const invalid = (detail: string) => problem('graphql_invalid', detail);
