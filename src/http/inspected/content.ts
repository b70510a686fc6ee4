/** The whole body of a request, for whoever must know it before it may be sent. */
import type { Readable } from 'node:stream';
import { BODY_LIMITS, type BodyLimits } from '../limits.ts';
import type { ClientExchange } from './client-exchange.ts';

export type HeldBody =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' | 'too-slow' }
  /** The client left before all had come. */
  | { readonly kind: 'gone' };

type Sender = Pick<ClientExchange, 'body' | 'contentLength' | 'expectsContinue' | 'sendContinue'>;

/** Reads the body, once; no more than `maxBytes` of it are held, and one that is announced to be longer is not asked for. */
export function holdBody(
  client: Sender,
  maxBytes: number,
  limits: BodyLimits = BODY_LIMITS,
): Promise<HeldBody> {
  const { body, contentLength } = client;
  if (body === null) return Promise.resolve({ kind: 'whole', bytes: Buffer.alloc(0) });
  if (contentLength !== null && Number(contentLength) > maxBytes)
    return Promise.resolve({ kind: 'too-large' });
  if (client.expectsContinue) client.sendContinue();
  return collect(body, maxBytes, limits.bodyMs);
}

function collect(body: Readable, maxBytes: number, bodyMs: number): Promise<HeldBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (held: HeldBody): void => {
      clearTimeout(timer);
      body.off('data', take);
      body.off('end', end);
      body.off('close', leave);
      body.pause();
      resolve(held);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) finish({ kind: 'too-large' });
      else chunks.push(chunk);
    };
    const end = (): void => finish({ kind: 'whole', bytes: Buffer.concat(chunks, length) });
    const leave = (): void => finish({ kind: 'gone' });
    const timer = setTimeout(() => finish({ kind: 'too-slow' }), bodyMs);
    // Whoever breaks it off, now or later, is found by its close.
    body.on('error', () => undefined);
    body.on('data', take);
    body.once('end', end);
    body.once('close', leave);
    if (body.destroyed && !body.readableEnded) leave();
  });
}
