/** The body of a request, bounded in length, in time, and together with all others that are held. */

import { err, ok, type Result } from '../base/result.ts';
import type { ClientExchange } from '../http/inspected/client-exchange.ts';
import type { HeldBytes } from '../http/inspected/content.ts';
import { type CallBody, CallBodyReader } from './call-body.ts';
import type { InferenceLimits } from './limits.ts';

export type BodyProblem =
  | { readonly kind: 'body_too_large' | 'body_timeout' | 'too_many_calls' | 'gone' }
  | { readonly kind: 'malformed'; readonly reason: string };

/** `release` gives back what is held; the caller calls it when it has done with the body. */
export interface ReadBody {
  readonly body: Result<CallBody, BodyProblem>;
  readonly release: () => void;
}

export function readBody(
  { body, contentLength }: Pick<ClientExchange, 'body' | 'contentLength'>,
  held: HeldBytes,
  limits: InferenceLimits,
): Promise<ReadBody> {
  const reader = new CallBodyReader(limits);
  let bytes = 0;
  const release = (): void => {
    held.give(bytes);
    bytes = 0;
  };
  return new Promise((resolve) => {
    const finish = (result: Result<CallBody, BodyProblem>): void => {
      clearTimeout(timer);
      body?.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      body?.pause();
      resolve({ body: result, release });
    };
    const onData = (part: Buffer): void => {
      if (bytes + part.length > limits.callBytes) return void finish(err({ kind: 'body_too_large' }));
      if (!held.take(part.length)) return void finish(err({ kind: 'too_many_calls' }));
      bytes += part.length;
      reader.push(part);
    };
    const onEnd = (): void => {
      const read = reader.finish();
      finish(read.ok ? ok(read.value) : err({ kind: 'malformed', reason: `the body ${read.error}` }));
    };
    const onClose = (): void => finish(err({ kind: 'gone' }));
    const timer = setTimeout(() => finish(err({ kind: 'body_timeout' })), limits.callBodyMs);
    // When nobody reads it any more, nobody is told that it broke off.
    body?.on('error', () => {});
    if (body === null) onEnd();
    else if (body.destroyed) onClose();
    else if (Number(contentLength ?? 0) > limits.callBytes) finish(err({ kind: 'body_too_large' }));
    else body.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}
