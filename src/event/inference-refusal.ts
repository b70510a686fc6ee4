/** What inference.local answers when no provider does: the same body as every refusal (refusal.ts), codes of its own. */
import type { Reason } from './event.ts';
import type { Refusal, RefusalRow } from './refusal.ts';

const row = (code: number, status: number, error: string, reason: Reason, meaning: string): RefusalRow => ({
  code: `OSH-INF-${String(code).padStart(3, '0')}`,
  status,
  error,
  reason,
  meaning,
});

/** The values of `error` are OpenShell's where it has one. */
export const INFERENCE_REFUSALS = {
  not_a_call: row(
    1,
    403,
    'connection not allowed by policy',
    'not_an_inference_call',
    'the request is no call of a model; the connection is closed',
  ),
  no_compatible_route: row(
    2,
    400,
    'no compatible inference route available',
    'no_inference_route',
    'no route speaks the protocol of the call',
  ),
  unknown_model: row(
    3,
    404,
    'model_not_found',
    'no_inference_route',
    'no route answers for the model that the call names',
  ),
  malformed: row(
    4,
    400,
    'Bad Request',
    'malformed_request',
    'the request or its body cannot be read strictly',
  ),
  body_too_large: row(
    5,
    413,
    'Payload Too Large',
    'request_too_large',
    'the body is longer than a call may be',
  ),
  body_timeout: row(6, 408, 'request_timeout', 'malformed_request', 'the body took too long to arrive'),
  too_many_calls: row(
    7,
    503,
    'inference service unavailable',
    'too_many_calls',
    'the sandbox has as many calls open as it may have',
  ),
  unavailable: row(
    8,
    503,
    'inference service unavailable',
    'upstream_unreachable',
    'no provider of the route could be reached in time',
  ),
  bad_answer: row(
    9,
    502,
    'inference service error',
    'upstream_unreachable',
    'the provider answered in a way that cannot be passed on',
  ),
  path_invalid: row(
    10,
    400,
    'invalid_request_target',
    'path_invalid',
    'the path is written in a form that servers could read in different ways',
  ),
  query_invalid: row(
    11,
    400,
    'invalid_request_target',
    'query_invalid',
    'the query is written in a form that servers could read in different ways',
  ),
  budget_exhausted: row(
    12,
    429,
    'insufficient_quota',
    'budget_exhausted',
    'the route has used up the tokens of its budget; the body has the form of the provider’s own errors',
  ),
} as const satisfies Readonly<Record<string, RefusalRow>>;

export type InferenceRefusalKind = keyof typeof INFERENCE_REFUSALS;

export interface InferenceRefusalFacts {
  readonly kind: InferenceRefusalKind;
  /** Why, for people: a sentence without a full stop; nothing of a body, no header’s value. */
  readonly reason: string;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly binary: string | null;
  /** What to do; empty: nothing is known. */
  readonly nextSteps: readonly string[];
}

export function inferenceRefusal({
  kind,
  reason,
  method,
  path,
  binary,
  nextSteps,
}: InferenceRefusalFacts): Refusal {
  const { error, code, meaning } = INFERENCE_REFUSALS[kind];
  return {
    error,
    detail: `${method} inference.local:443${path}: ${meaning}`,
    reason,
    policy: null,
    rule: null,
    layer: 'inference',
    method,
    path,
    host: 'inference.local',
    port: 443,
    binary,
    code,
    line: null,
    next_steps: nextSteps,
  };
}
