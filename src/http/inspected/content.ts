/** The whole body of a request, for whoever must know it before it may be sent. */
import type { Readable } from 'node:stream';
import { BODY_LIMITS, type BodyLimits } from '../limits.ts';
import type { ClientExchange } from './client-exchange.ts';

export type HeldBody =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' | 'too-slow' | 'too-many' }
  /** The client left before all had come. */
  | { readonly kind: 'gone' };

type Sender = Pick<ClientExchange, 'body' | 'contentLength' | 'expectsContinue' | 'sendContinue' | 'onClose'>;

/** What all bodies together take, of one sandbox. */
export class HeldBytes {
  readonly limits: BodyLimits;
  #held = 0;

  constructor(limits: BodyLimits = BODY_LIMITS) {
    this.limits = limits;
  }

  get held(): number {
    return this.#held;
  }

  take(bytes: number): boolean {
    if (this.#held + bytes > this.limits.heldBytes) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/**
 * Reads the body, once; no more than `maxBytes` of it are held, and one that is announced to be longer is not asked for.
 * The bytes count as held until the exchange is over.
 */
export async function holdBody(client: Sender, maxBytes: number, all: HeldBytes): Promise<HeldBody> {
  const { body, contentLength } = client;
  if (body === null) return { kind: 'whole', bytes: Buffer.alloc(0) };
  if (contentLength !== null && Number(contentLength) > maxBytes) return { kind: 'too-large' };
  if (client.expectsContinue) client.sendContinue();
  let taken = 0;
  const take = (bytes: number): boolean => {
    if (!all.take(bytes)) return false;
    taken += bytes;
    return true;
  };
  const held = await collect(body, maxBytes, all.limits.bodyMs, take);
  if (held.kind === 'whole') client.onClose(() => all.give(taken));
  else all.give(taken);
  return held;
}

function collect(
  body: Readable,
  maxBytes: number,
  bodyMs: number,
  takeBytes: (bytes: number) => boolean,
): Promise<HeldBody> {
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
      else if (!takeBytes(chunk.length)) finish({ kind: 'too-many' });
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
