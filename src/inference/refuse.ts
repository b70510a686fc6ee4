/** Answers that no provider gave. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { INFERENCE_REFUSALS, type InferenceRefusalKind } from '../event/inference-refusal.ts';
import type { Refusal } from '../event/refusal.ts';
import { PROXY_LIMITS } from '../http/limits.ts';
import type { InferenceProtocol } from '../policy/routes/routes.ts';

/** The connection is not used again: what the client meant by it is not clear, or the rest of a body lies on it. */
const CLOSING: ReadonlySet<InferenceRefusalKind> = new Set([
  'not_a_call',
  'malformed',
  'body_too_large',
  'body_timeout',
  'path_invalid',
  'query_invalid',
]);

export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  kind: InferenceRefusalKind,
  refusal: Refusal,
): void {
  const closes = CLOSING.has(kind) || !request.complete;
  answer(request, response, INFERENCE_REFUSALS[kind].status, refusal, {}, closes);
}

/** In the form of the provider’s own, so that clients say what is the matter; they are told not to try again. */
export function sendBudgetRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  protocol: InferenceProtocol,
  message: string,
): void {
  const { status, error } = INFERENCE_REFUSALS.budget_exhausted;
  const body =
    protocol === 'anthropic_messages'
      ? { type: 'error', error: { type: 'rate_limit_error', message } }
      : protocol === 'aws_bedrock_invoke'
        ? { message }
        : { error: { message, type: error, param: null, code: error } };
  answer(request, response, status, body, { 'x-should-retry': 'false' }, false);
}

export function sendJson(request: IncomingMessage, response: ServerResponse, body: unknown): void {
  answer(request, response, 200, body, {}, false);
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  value: unknown,
  further: Readonly<Record<string, string>>,
  closes: boolean,
): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  const session = sessionOf(response);
  if (closes && session === null) response.shouldKeepAlive = false;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': String(body.length),
    ...(closes && session === null ? { connection: 'close' } : {}),
    ...further,
  });
  if (!closes || request.complete || session !== null) {
    response.end(body);
    if (closes) session?.close();
    return;
  }
  // Closing with unread bytes resets the connection, and the client may lose the answer (RFC 9112 section 9.6).
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, PROXY_LIMITS.lingerMs);
  request.once('end', end);
  response.once('close', () => clearTimeout(timer));
  request.resume();
}

/** Of HTTP/2, where a connection has many requests: it takes no further ones. */
function sessionOf(response: ServerResponse): { close(): void } | null {
  const { stream } = response as unknown as { stream?: { session?: { close(): void } } };
  return stream?.session ?? null;
}
