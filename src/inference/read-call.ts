/** The head of a request to inference.local: a call of a model, or why it is none. */
import { err, ok, type Result } from '../base/result.ts';
import type { InferenceRefusalKind } from '../event/inference-refusal.ts';
import type { ClientExchange } from '../http/inspected/client-exchange.ts';
import { requestFacts } from '../inspect/request-facts.ts';
import { type CallPattern, callPattern } from './call-pattern.ts';

export interface CallHead {
  readonly pattern: CallPattern;
  /** Canonical, without its query. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
  /** Names in lower case; equal ones joined (RFC 9110 section 5.3). */
  readonly headers: ReadonlyMap<string, string>;
}

export interface HeadProblem {
  readonly kind: Extract<InferenceRefusalKind, 'not_a_call' | 'malformed' | 'path_invalid' | 'query_invalid'>;
  /** A sentence without a full stop. */
  readonly reason: string;
}

/** Host and header section were looked at by whoever read the request. */
export function readHead({ method, target, body, headers }: ClientExchange): Result<CallHead, HeadProblem> {
  const facts = requestFacts({ method, target });
  if (!facts.ok) {
    const { reason, detail } = facts.error;
    return err({
      kind: reason === 'path_invalid' || reason === 'query_invalid' ? reason : 'malformed',
      reason: detail,
    });
  }
  const { path, authority } = facts.value;
  if (authority !== null) return malformed('the target is a whole URL');
  const pattern = callPattern(method, path);
  if (pattern === null)
    return err({ kind: 'not_a_call', reason: 'inference.local answers calls of models only' });
  if (method === 'GET' && body !== null) return malformed('a GET request has no body here');
  const texts = headerTexts(headers);
  if ((texts.get('content-encoding')?.toLowerCase() ?? 'identity') !== 'identity')
    return malformed('the body has a content coding');
  return ok({ pattern, path, query: facts.value.target.slice(path.length), headers: texts });
}

const malformed = (reason: string): Result<never, HeadProblem> => err({ kind: 'malformed', reason });

function headerTexts(flat: readonly string[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!.toLowerCase();
    const known = texts.get(name);
    texts.set(name, known === undefined ? flat[i + 1]! : `${known}, ${flat[i + 1]!}`);
  }
  return texts;
}
