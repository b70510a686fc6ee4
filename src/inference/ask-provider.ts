/** Asks one provider, and waits for the head of its answer. */
import type { Readable } from 'node:stream';
import type { Pool } from 'undici';
import { err, ok, type Result } from '../base/result.ts';
import type { InferenceRoute } from '../policy/routes/routes.ts';
import type { ProviderRequest } from './provider-request.ts';

export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/** `sent`: the provider may have begun to work on it. */
export interface AskProblem {
  readonly kind: 'unavailable' | 'bad_answer' | 'gone';
  readonly sent: boolean;
  /** A clause for the operator’s events and for the client; it names no address and no secret. */
  readonly detail: string;
}

/** Codes of errors that say that nothing was sent. */
const BEFORE: ReadonlySet<string> = new Set(['OSH_CONNECT', 'UND_ERR_CONNECT_TIMEOUT']);

/** @param signal aborted when the client leaves, or when the time of a call is over */
export async function askProvider(
  pool: Pool,
  route: InferenceRoute,
  { path, headers, body }: ProviderRequest,
  signal: AbortSignal,
): Promise<Result<ProviderAnswer, AskProblem>> {
  try {
    const answer = await pool.request({
      method: 'POST',
      path,
      headers: [...headers],
      body,
      signal,
      headersTimeout: route.timeoutMs,
    });
    // Errors of a body that is not read any more are nobody's.
    answer.body.on('error', () => {});
    if (answer.statusCode >= 300 && answer.statusCode < 400) {
      answer.body.destroy();
      return err({
        kind: 'bad_answer',
        sent: true,
        detail: 'it sends elsewhere, and redirects are not followed',
      });
    }
    return ok({ status: answer.statusCode, headers: answer.headers, body: answer.body });
  } catch (error) {
    return err(problemOf(error as NodeJS.ErrnoException));
  }
}

function problemOf({ name, code = '' }: NodeJS.ErrnoException): AskProblem {
  if (name === 'AbortError') return { kind: 'gone', sent: true, detail: 'the client left' };
  if (name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT')
    return { kind: 'unavailable', sent: true, detail: 'it did not answer in time' };
  if (BEFORE.has(code)) return { kind: 'unavailable', sent: false, detail: 'no connection could be made' };
  if (name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW')
    return { kind: 'bad_answer', sent: true, detail: 'its answer breaks the rules of HTTP/1.1' };
  return { kind: 'unavailable', sent: true, detail: 'it closed the connection without an answer' };
}
