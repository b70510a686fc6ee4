/** Answers that no provider gave. */
import { INFERENCE_REFUSALS, type InferenceRefusalKind } from '../event/inference-refusal.ts';
import type { Refusal } from '../event/refusal.ts';
import type { InferenceProtocol } from '../policy/routes/routes.ts';
import type { ClientStream } from './client-stream.ts';

/** The connection is not used again: what the client meant by it is not clear, or the rest of a body lies on it. */
const LAST: ReadonlySet<InferenceRefusalKind> = new Set([
  'not_a_call',
  'malformed',
  'body_too_large',
  'body_timeout',
  'path_invalid',
  'query_invalid',
]);

const JSON_TYPE = ['content-type', 'application/json'] as const;

export function sendRefusal(client: ClientStream, kind: InferenceRefusalKind, refusal: Refusal): void {
  client.answer(INFERENCE_REFUSALS[kind].status, new Map([JSON_TYPE]), bodyOf(refusal), LAST.has(kind));
}

/** In the form of the provider’s own, so that clients say what is the matter; they are told not to try again. */
export function sendBudgetRefusal(client: ClientStream, protocol: InferenceProtocol, message: string): void {
  const { status, error } = INFERENCE_REFUSALS.budget_exhausted;
  const body =
    protocol === 'anthropic_messages'
      ? { type: 'error', error: { type: 'rate_limit_error', message } }
      : protocol === 'aws_bedrock_invoke'
        ? { message }
        : { error: { message, type: error, param: null, code: error } };
  client.answer(status, new Map([JSON_TYPE, ['x-should-retry', 'false']]), bodyOf(body));
}

export const sendJson = (client: ClientStream, body: unknown): void =>
  client.answer(200, new Map([JSON_TYPE]), bodyOf(body));

const bodyOf = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
