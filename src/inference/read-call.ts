/** The head of a request to inference.local: a call of a model, or why it is none. */
import type { IncomingMessage } from 'node:http';
import { err, ok, type Result } from '../base/result.ts';
import type { InferenceRefusalKind } from '../event/inference-refusal.ts';
import { checkRequest, hasBody } from '../http/headers.ts';
import { PROXY_LIMITS } from '../http/limits.ts';
import { requestFacts } from '../inspect/request-facts.ts';
import { type CallPattern, callPattern } from './call-pattern.ts';

export interface CallHead {
  readonly pattern: CallPattern;
  /** Canonical, without its query. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
}

export interface HeadProblem {
  readonly kind: Extract<InferenceRefusalKind, 'not_a_call' | 'malformed' | 'path_invalid' | 'query_invalid'>;
  /** A sentence without a full stop. */
  readonly reason: string;
}

export const INFERENCE_HOST = 'inference.local';
const HOSTS: ReadonlySet<string> = new Set([INFERENCE_HOST, `${INFERENCE_HOST}:443`]);

export function readHead(request: IncomingMessage): Result<CallHead, HeadProblem> {
  const wrong = request.httpVersionMajor === 1 ? checkRequest(request, PROXY_LIMITS) : null;
  if (wrong !== null) return malformed(wrong.reason);
  const { headers, method = '', url = '' } = request;
  const host = headers.host ?? headers[':authority'];
  if (typeof host !== 'string' || !HOSTS.has(host.toLowerCase()))
    return malformed('the Host header does not name inference.local');
  const facts = requestFacts({ method, target: url });
  if (!facts.ok) {
    const { reason, detail } = facts.error;
    return err({ kind: reason === 'malformed_request' ? 'malformed' : reason, reason: detail });
  }
  const { path, target, authority } = facts.value;
  if (authority !== null) return malformed('the target is a whole URL');
  const pattern = callPattern(method, path);
  if (pattern === null)
    return err({ kind: 'not_a_call', reason: 'inference.local answers calls of models only' });
  if (method === 'GET' && hasBody(request)) return malformed('a GET request has no body here');
  const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (coding !== 'identity') return malformed('the body has a content coding');
  return ok({ pattern, path, query: target.slice(path.length) });
}

const malformed = (reason: string): Result<never, HeadProblem> => err({ kind: 'malformed', reason });
